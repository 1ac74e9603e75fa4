#!/bin/sh
# branches.sh: a company with a PBX and ten branches. Each branch's gateway is
# an extension of the PBX and has joined the head office's VPN; all reach each
# other through it. Then the PBX is killed and comes back.
#
#   b1 10.1.0.1, extension 101 ──┐
#   ...                          ├─ bridge ─ pbx 10.1.0.100: Kamailio
#   b10 10.1.0.10, 110 ──────────┘      └─── head 10.1.0.200, extension 100,
#                                            [vpn office] 10.7.0.1
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
branches="1 2 3 4 5 6 7 8 9 10"
cd "$T" || exit 1

bridge br0
host pbx 10.1.0.100/24
host head 10.1.0.200/24
for i in $branches; do
	host "b$i" "10.1.0.$i/24"
done
# its name, known to this mount namespace alone
printf '127.0.0.1 localhost\n10.1.0.100 pbx.example\n' > hosts
mount --bind hosts /etc/hosts

# --- the PBX: that of kamailio.sh, at another address, with more users
KAMAILIO_CERT=$T/cert.pem KAMAILIO_KEY=$T/key.pem
export KAMAILIO_CERT KAMAILIO_KEY
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key.pem -out cert.pem -subj /CN=pbx.example \
    -addext "subjectAltName=DNS:pbx.example" -days 2 2> openssl.log
for i in 0 $branches; do
	printf '\\t$sht(users=>%d) = "secret%d";\\n' $((100 + i)) "$i"
done > users
sed "s/127\.0\.0\.1/10.1.0.100/
    s/.*sht(users=>alice).*/$(cat users)/" "$here/kamailio.cfg" > pbx.cfg
mkdir pbx
up() { at pbx ss -Hltn | grep -q 10.1.0.100:5061; }
pbx_start() {
	ip netns exec pbx kamailio -DD -E -m 32 -M 4 -A WITH_MD5 -f pbx.cfg \
	    -w "$T/pbx" -Y "$T/pbx" >> pbx/log 2>&1 &
	pbx=$!
	wait_for 20 up
}
pbx_crash() {
	# shellcheck disable=SC2046
	kill -KILL $pbx $(cat "/proc/$pbx/task/$pbx/children")
	wait $pbx 2> /dev/null
	wait_for 5 sh -c "! ip netns exec pbx ss -Hltn | grep -q :5061"
}
check "the PBX starts" pbx_start

# --- the gateways. extension NUMBER TRANSPORT
extension() {
	printf '[account]\naddress = sip:%d@dialtone.test\n' $((100 + $1))
	printf 'password = secret%d\n' "$1"
	printf 'registrar = sip:pbx.example;transport=%s\n' "$2"
	printf 'tls-ca = %s\n' "$KAMAILIO_CERT"
}
fh=$(key head)
{ extension 0 tls
for i in $branches; do
	cat <<-EOT
	[peer b$i]
	address = sip:$((100 + i))@dialtone.test
	fingerprint = $(key "b$i")
	allow = vpn office
	EOT
done
cat <<EOT
[vpn office]
address = 10.7.0.1/24
peer-to-peer = yes
interface = office0
EOT
} | conf head
tp() { case $1 in 1 | 2) echo udp;; *[02468]) echo tcp;; *) echo tls;; esac; }
for i in $branches; do
	{ extension "$i" "$(tp "$i")"; cat <<EOT
[peer head]
address = sip:100@dialtone.test
fingerprint = $fh
EOT
	} | conf "b$i"
done
for n in head $(printf 'b%d ' $branches); do
	check "$n starts" launch $n
done
for n in head $(printf 'b%d ' $branches); do
	check "$n is registered" wait_for 20 registered $n
done

# --- all join. join NUMBER: its dial's PID in $dial_NUMBER
join() {
	: > "b$1/dial"
	ip netns exec "b$1" dial -c "$T/b$1/sipd.conf" head vpn office \
	    < /dev/null > "b$1/dial" 2>&1 &
	eval "dial_$1=$!"
}
joined() { grep -q "we are" "b$1/dial" || { cat "b$1/dial"; return 1; }; }
inner() { grep -o '10\.7\.0\.[0-9]*' "b$1/dial" | head -1; }
for i in $branches; do
	join "$i"
done
for i in $branches; do
	check "b$i has joined the office" wait_for 20 joined "$i"
done
addresses() { for i in $branches; do inner "$i"; done; }
check "each by an address of its own" sh -c \
    "[ \$(printf '%s\n' $(addresses | tr '\n' ' ') | sort -u | wc -l) = 10 ]"

# everybody FROM: from that one to all others and the head office
everybody() {
	for to in 10.7.0.1 $(addresses); do
		at "$1" ping -q -c 1 -W 10 "$to" || return 1
	done
}
for i in $branches; do
	check "b$i reaches all others" everybody "b$i"
done
check "so does the head office" everybody head

# --- the PBX is killed, and comes back
calls() { as head list | wc -l; }
check "ten sessions" test "$(calls)" = 10
: > pings
for pair in "1 7" "4 9" "10 3"; do
	# shellcheck disable=SC2086
	set -- $pair
	ip netns exec "b$1" ping -i 0.05 -W 10 "$(inner "$2")" \
	    > "ping.$1" 2>&1 &
	echo $! >> pings
done
check "the PBX is killed" pbx_crash
check "the head office notices" wait_for 10 sh -c \
    "! dial -c head/sipd.conf status | grep -q ' registered'"
check "who calls now is told" fails_with 1 "does not answer: check that it runs" \
    by b5 sip:101@dialtone.test pipe
check "all still reach each other" everybody b6
check "the PBX comes back, and knows nobody" pbx_start
check "the head office is registered again" wait_for 60 registered head
for i in $branches; do
	[ "$(tp "$i")" = udp ] || check "so is b$i" \
	    wait_for 60 registered "b$i"
done
while read -r p; do
	kill -INT "$p"
	wait "$p" 2> /dev/null
done < pings
# steady NUMBER: answers came all the time. A machine that is busy may lose one,
# and the last may have been under way when ping was told to end
steady() {
	tail -2 "ping.$1"
	sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "ping.$1" | sort -n |
	    awk '$1 > last + 4 { print last, $1; gap = 1 }
		{ last = $1 } END { exit gap || last < 100 || NR < 0.98 * last }'
}
for i in 1 4 10; do
	check "packets went on meanwhile, without a gap of 0.2 s (b$i)" \
	    steady $i
done
check "no session has ended" test "$(calls)" = 10
check "all still reach each other" everybody b2

# --- and goes on as before: by UDP, whose gateway has not noticed, and by TLS
for i in 2 5; do
	eval "p=\$dial_$i"
	kill -INT "$p"
	check "b$i leaves" ends 130 "$p"
	join $i
	check "and joins again" wait_for 20 joined $i
	check "it reaches all others" everybody b$i
done
for i in $branches; do
	eval "kill -INT \$dial_$i"
done
check "all leave" wait_for 20 sh -c \
    "[ \$(dial -c head/sipd.conf list | wc -l) = 0 ]"
for n in head $(printf 'b%d ' $branches); do
	check "$n ends well" stop $n
done
kill $pbx
wait $pbx 2> /dev/null
finish
