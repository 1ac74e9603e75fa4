#!/bin/bash
# keepalive.sh: an account by TLS and by TCP behind a NAT that forgets a
# connection after 15 s of silence. The server is Kamailio, which asks for a
# keepalive each 10 s (Flow-Timer, RFC 5626): calls come in after 30 s all the
# same. Then the NAT forgets everything, and they come in again.
#
#   bob (TLS), carol (TCP) ── NAT ── net ── pbx 198.51.100.30: Kamailio
#                                     └──── alice
. "$(dirname "$0")/../lab/lib.sh"
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
IDLE=30 FORGETS=15 PING=10

check "the world" world
nat() {
	home b 1 --map eim --filter apdf --alloc random \
	    --tcp-timeout $FORGETS && plug br c 20
}
check "a NAT that forgets after $FORGETS s" nat
check "an open network" site_open a 2
echo "198.51.100.30 pbx.lab" >> hosts
addr srv eth0 198.51.100.30/24

# --- Kamailio: that of kamailio.sh, elsewhere; requests within a call follow
# the connection, not the address behind the NAT
KAMAILIO_CERT=$T/pbx.crt KAMAILIO_KEY=$T/pbx.key
export KAMAILIO_CERT KAMAILIO_KEY
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout pbx.key -out pbx.crt -subj /CN=pbx.lab \
    -addext "subjectAltName=DNS:pbx.lab" -days 2 2> openssl.log
sed "s/127\.0\.0\.1/198.51.100.30/
    s/.*sht(users=>alice).*/&\n\t\$sht(users=>carol) = \"singer\";/
    s/^modparam(\"registrar\", \"max_exp.*/&\n\
modparam(\"registrar\", \"outbound_mode\", 1)\n\
modparam(\"registrar\", \"flow_timer\", $PING)/
    s/^	if (has_totag()) {/&\n\
		handle_ruri_alias();/
    s/^		record_route();/&\n\
	if (is_method(\"INVITE\")) {\n\
		set_contact_alias();\n\
		t_on_reply(\"1\");\n\
	}/
    \$a onreply_route[1] { set_contact_alias(); }" \
    "$LAB/../e2e/kamailio.cfg" > pbx.cfg
mkdir pbx
ip netns exec srv kamailio -DD -E -m 32 -M 4 -A WITH_MD5 -f pbx.cfg \
    -w "$T/pbx" -Y "$T/pbx" > pbx/log 2>&1 &
pbx=$!
up() { ip netns exec srv ss -Hltn | grep -q 198.51.100.30:5061; }
check "Kamailio starts" wait_for 20 up

# --- the accounts. account_at SIDE USER PASSWORD TRANSPORT
account_at() {
	cat <<-EOT
	port = 0
	[account]
	address = sip:$2@dialtone.test
	password = $3
	registrar = sip:pbx.lab;transport=$4
	tls-ca = $T/pbx.crt
	EOT
}
fa=$(key a) fb=$(key b) fc=$(key c)
{ account_at a alice wonderland tls
printf '[peer bob]\naddress = sip:bob@dialtone.test\nfingerprint = %s\n' "$fb"
printf '[peer carol]\naddress = sip:carol@dialtone.test\nfingerprint = %s\n' \
    "$fc"; } | conf a
callee() {
	printf '[peer alice]\naddress = sip:alice@dialtone.test\n'
	printf 'fingerprint = %s\nallow = pipe\n[pipe]\ncommand = cat\n' "$fa"
}
{ account_at b bob builder tls; callee; } | conf b
{ account_at c carol singer tcp; callee; } | conf c
for n in a b c; do
	check "$n starts" peer_start $n
done
echoes() { [ "$(echo hello | as a "$1" pipe)" = hello ]; }
for p in bob carol; do
	check "$p is called" echoes $p
done
# the ports that their connections have at the PBX
ports() { ip netns exec srv ss -Htn state established | grep -o \
    ' [^ ]*11\.0\.1\.[0-9]*:[0-9]*' | sort; }
ports > ports.before
check "two connections" test "$(wc -l < ports.before)" = 2
# but for keepalives, which have 4 bytes, in TLS some more
bytes() { ip netns exec srv ss -Htni state established | grep -o \
    'bytes_received:[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'; }
was=$(bytes)
check "bytes have come by them" test "$was" -gt 0
sleep $IDLE
check "nothing else goes by them" test $(($(bytes) - was)) -le 600
for p in bob carol; do
	check "$p is called after $IDLE s" echoes $p
done
same() { ports | diff ports.before -; }
check "by the same connections" same

# --- a reboot of the NAT: the next keepalive finds out
kill -USR2 "$nat_br"
others() { [ "$(ports | grep -cvxFf ports.before)" = 2 ]; }
check "other connections" wait_for 30 others
for n in b c; do
	check "$n is registered again" wait_for 10 registered $n
done
for p in bob carol; do
	check "$p is called when the NAT has forgotten" wait_for 10 echoes $p
done
for n in a b c; do
	peer_stop $n
done
kill $pbx
wait $pbx 2> /dev/null
finish
