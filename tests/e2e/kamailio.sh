#!/bin/sh
# kamailio.sh: two peers at a real registrar and proxy, over UDP, TCP and TLS,
# with digest authentication by MD5 and SHA-256.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
KAMAILIO_CERT=$T/cert.pem KAMAILIO_KEY=$T/key.pem
export KAMAILIO_CERT KAMAILIO_KEY
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$KAMAILIO_KEY" -out "$KAMAILIO_CERT" -subj /CN=kamailio \
    -addext "subjectAltName=DNS:localhost" -days 2 2> "$T/openssl.log"

# registrar DEFINE: start it
registrar() {
	mkdir -p "$T/kamailio"
	kamailio -DD -E -m 32 -M 4 -A "$1" -f "$here/kamailio.cfg" \
	    -w "$T/kamailio" -Y "$T/kamailio" > "$T/kamailio/log" 2>&1 &
	kamailio=$!
	check "kamailio starts" wait_for 10 sh -c \
	    "ss -Hltn | grep -q 127.0.0.1:5061"
}

# account NAME PASSWORD TRANSPORT: into its configuration
account() {
	printf '[account]\naddress = sip:%s@dialtone.test\npassword = %s\n' \
	    "$1" "$2"
	printf 'registrar = sip:localhost;transport=%s\ntls-ca = %s\n' \
	    "$3" "$KAMAILIO_CERT"
}

fa=$(key alice) fb=$(key bob)
head -c 3000000 /dev/urandom > "$T/three.bin"

# peers TRANSPORT PASSWORD-OF-ALICE
peers() {
	conf alice <<EOT
port = 0
$(account alice "$2" "$1")
[peer bob]
address = sip:bob@dialtone.test
fingerprint = $fb
allow = file
[peer carol]
address = sip:carol@dialtone.test
EOT
	conf bob <<EOT
port = 0
$(account bob builder "$1")
[peer alice]
address = sip:alice@dialtone.test
fingerprint = $fa
allow = file, pipe
[pipe]
command = tr a-z A-Z
EOT
}

send() {
	rm -f "$T/bob/inbox/three.bin"
	as alice bob send "$T/three.bin" &&
	    cmp "$T/three.bin" "$T/bob/inbox/three.bin"
}

say() {
	echo hello | as alice bob pipe | grep -qx HELLO
}

for alg in MD5 SHA256; do
	registrar WITH_$alg
	for tp in udp tcp tls; do
		peers $tp wonderland
		start bob
		check "$alg $tp: bob registers" wait_for 5 registered bob
		check "$alg $tp: a pipe, from a dial of its own" say
		start alice
		check "$alg $tp: alice registers" wait_for 5 registered alice
		check "$alg $tp: a file" send
		check "$alg $tp: nobody of that name" \
		    fails_with 1 "does not exist" as alice carol pipe
		check "$alg $tp: bob leaves" stop bob
		check "$alg $tp: then he is not online" \
		    fails_with 1 "not online" as alice bob pipe
		check "$alg $tp: alice leaves" stop alice
	done
	kill $kamailio
	wait $kamailio 2> /dev/null
done

peers tcp wrong
registrar WITH_MD5
start alice
check "a wrong password is said" wait_for 5 sh -c \
    "dial -c $T/alice/sipd.conf status | grep -q failed"
check "and at a call" fails_with 1 "password" as alice bob pipe
stop alice

peers tcp wonderland
start bob
check "bob registers" wait_for 5 registered bob
pkill -KILL -P $kamailio
kill -KILL $kamailio
wait $kamailio 2> /dev/null
check "the registrar is killed: noticed" wait_for 5 sh -c \
    "dial -c $T/bob/sipd.conf status | grep -q failed"
check "who calls is told" fails_with 1 "does not answer: check that it runs" \
    as alice bob pipe
stop bob
finish
