#!/bin/sh
# setup.sh [BUILD]: from the start of `dial` to the first byte through a pipe,
# all on loopback, by stage. RUNS may be set.
. "$(dirname "$0")/lib.sh"
RUNS=${RUNS:-20}
tool firstbyte

fa=$(key alice) fb=$(key bob)
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070" "alice:a bob:b"
conf direct <<EOT
port = 0
[peer bob]
address = sip:127.0.0.1:5060
fingerprint = $fb
EOT
{ account alice a sip:127.0.0.1:5070; cat <<EOT
[peer bob]
address = bob@demo.example
fingerprint = $fb
EOT
} | conf met
conf bob <<EOT
port = 5060
rate = 10000000
[account]
address = bob@demo.example
password = b
registrar = sip:127.0.0.1:5070
[peer alice]
address = alice@demo.example
fingerprint = $fa
allow = pipe
[pipe]
command = cat
EOT
for who in direct met; do
	cp "$T/alice/identity.pem" "$T/$who/"
done
start meet || die
start bob || die
wait_for 10 registered bob || die "bob is not registered"

measure() {     # NAME CONF
	i=0
	while [ $i -lt "$RUNS" ]; do
		"$T/tool/firstbyte" "$E2E_BUILD/dial" -j \
			-c "$T/$2/sipd.conf" bob pipe >> "$1.v" || die "$1"
		i=$((i + 1))
	done
	printf '%-24s' "$1"
	for c in 1 2 3 4 5 6; do
		set -- "$1" $(cut -d' ' -f$c "$1.v" | spread 1)
		printf ' %11s' "$3/$4"
		[ $c != 1 ] || worst="$worst $3"
	done
	echo
}

echo "From the start of \`dial\` to the first byte back through a pipe, on" \
	"loopback, $RUNS runs:"
echo "milliseconds, median/max, in all and by stage; rest: dial's own start," \
	"and the echo"
printf '%-24s' ''
printf ' %11s' total gather answer path secure rest
echo
worst=
measure "direct, own process" direct
start direct || die
measure "direct, by sipd" direct
measure "server, own process" met
start met || die
wait_for 10 registered met || die "alice is not registered"
measure "server, by sipd" met
stop met
stop direct
for w in $worst; do echo "$w"; done | sort -n | tail -1 > slowest
target "100 ms" "$(cat slowest) <= 100"
