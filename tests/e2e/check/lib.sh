# lib.sh: `dial check` in a network of the laboratory, for check.sh and
# checktime.sh, which have sourced tests/lab/lib.sh.

# checked SIDE REGISTRAR [LINE...]: without a sipd; LINEs go to [nat]
checked() {
	s=$1 r=$2
	shift 2
	conf "$s" <<-EOT
	port = 0
	[account]
	address = a@lab
	password = pa
	registrar = $r
	[nat]
	stun = stun.lab, stun2.lab
	$(printf '%s\n' "$@")
	EOT
	by "$s" check > "$T/$s.check" 2>&1
	code=$?
	cat "$T/$s.check"
	return $code
}
# what else may be asked for: a relay by UDP, and one by TLS
relays_conf() {
	printf '[turn]\nserver = turn:turn.lab\nuser = lab\n'
	printf 'password = lab\n[turn tls]\nserver = turns:turn.lab:443\n'
	printf 'user = lab\npassword = lab\n'
}
# slow_dns SIDE: one that takes its time to say that it knows no services
slow_dns() {
	cat > "$T/nxdomain" <<-'EOT'
	#!/bin/sh
	sleep 0.3
	{ dd bs=1 count=2 && printf '\201\203' && dd bs=1 count=2 > /dev/null
	cat; } 2> /dev/null | dd bs=512 iflag=fullblock status=none
	EOT
	chmod +x "$T/nxdomain"
	ip netns exec "$1" socat UDP4-RECVFROM:53,bind=127.0.0.1,fork \
	    EXEC:"$T/nxdomain",pipes &
	wait_for 5 dns_up "$1"
}
dns_up() { ip netns exec "$1" ss -Hlun | grep -q 127.0.0.1:53; }
