#!/bin/sh
# meeting.sh: the embedded meeting point, by UDP, TCP and TLS.
#
#   alice -- sip:...;transport= -- [registrar] -- sip: -- bob, bob's laptop
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# its name, known to this mount namespace alone
printf '127.0.0.1 localhost\n127.0.0.1 meet.example other.example\n' > hosts
mount --bind hosts /etc/hosts

certificates() {
	ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	openssl req -x509 $ec -keyout ca.key -out ca.pem -subj "/CN=CA" \
	    -days 2
	openssl req $ec -keyout meet.key -out meet.csr -subj /CN=meet.example
	echo subjectAltName=DNS:meet.example > ext
	openssl x509 -req -in meet.csr -CA ca.pem -CAkey ca.key \
	    -CAcreateserial -days 2 -extfile ext -out meet.crt
	cat meet.crt meet.key > meet.pem
	chmod 600 meet.pem
}
check "a CA and a certificate are made" certificates

fa=$(key alice) fb=$(key bob) fl=$(key laptop)
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070, tls:127.0.0.1:5071" \
    "alice:pa bob:pb carol:pc" "tls-cert = $T/meet.pem"
udp=sip:meet.example:5070
tcp="sip:meet.example:5070;transport=tcp"
tls="sip:meet.example:5071;transport=tls"

# alice_conf PASSWORD REGISTRAR [LINE...]: further lines of the account
alice_conf() {
	{
		account alice "$1" "$2"
		shift 2
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '[peer bob]\naddress = bob@demo.example\n'
		printf 'fingerprint = %s\nallow = all\n' "$fb"
	} | conf alice
}
# bob_conf REGISTRAR ALLOW
bob_conf() {
	{
		account bob pb "$1"
		printf 'tls-ca = %s\nexpires = 10\n' "$T/ca.pem"
		printf '[peer alice]\naddress = alice@demo.example\n'
		printf 'fingerprint = %s\nallow = %s\n' "$fa" "$2"
	} | conf bob
}
web="forward 127.0.0.1:8000"
head -c 3000000 /dev/urandom > three.bin
head -c 300000 /dev/urandom > there
head -c 200000 /dev/urandom > back
busybox httpd -f -p 127.0.0.1:8000 -h "$T" &

send() {
	rm -f bob/inbox/three.bin
	as alice bob send three.bin && cmp three.bin bob/inbox/three.bin
}
# the waiter may not yet wait at the first attempts
call_pipe() { as alice bob pipe < there > got.back 2> call.said; }
pipe_both_ways() {
	dial -c bob/sipd.conf wait pipe --once < back > got.there &
	w=$!
	wait_for 10 call_pipe || { cat call.said; kill $w; return 1; }
	ends 0 $w && cmp there got.there && cmp back got.back
}
fetch() {
	behind alice forward.out bob forward 8001:127.0.0.1:8000
	wait_for 5 grep -q 8001 forward.out &&
	curl -sf http://127.0.0.1:8001/three.bin | cmp - three.bin
	code=$?
	kill -INT $behind
	ends 130 $behind && [ $code = 0 ]
}

check "the meeting point starts" start meet

for t in udp tcp tls; do
	eval "r=\$$t"
	alice_conf pa "$r" "tls-ca = $T/ca.pem"
	bob_conf "$r" "file, pipe, $web"
	check "$t: alice starts" start alice
	check "$t: she is registered" wait_for 5 registered alice
	if [ $t = udp ]; then
		check "$t: pipe to a waiter without a daemon" pipe_both_ways
	fi
	check "$t: bob starts" start bob
	check "$t: he is registered" wait_for 5 registered bob
	check "$t: send" send
	check "$t: pipe both ways to a waiter" pipe_both_ways
	check "$t: forward" fetch
	check "$t: and the other way round" \
	    as bob alice send there
	check "$t: it is equal" cmp there alice/inbox/there
	rm alice/inbox/there
	check "$t: alice ends" stop alice
	check "$t: send without a daemon" send
	check "$t: bob hangs up and unregisters" stop bob
	check "$t: he is offline then" fails_with 1 "bob is not online" \
	    as alice bob send three.bin
done

# --- what TLS refuses
alice_conf pa "sip:other.example:5071;transport=tls" "tls-ca = $T/ca.pem"
check "tls: alice starts" start alice
check "tls: a certificate of another name is refused" \
    wait_for 5 sh -c "dial -c alice/sipd.conf status | grep 'failed.*mismatch'"
check "tls: in a sentence" fails_with 1 "certificate cannot be trusted" \
    as alice bob pipe
stop alice
alice_conf pa "$tls"
check "tls: alice starts again" start alice
check "tls: a certificate of an unknown CA is refused" \
    wait_for 5 sh -c "dial -c alice/sipd.conf status | grep 'failed.*issuer'"
check "tls: in a sentence too" fails_with 1 "certificate cannot be trusted" \
    as alice bob pipe
stop alice

# --- who does not get in
alice_conf wrong $udp
check "alice starts" start alice
check "a wrong password is told" wait_for 5 sh -c \
    "dial -c alice/sipd.conf status | grep 'failed.*wrong user name or pass'"
check "a call with it fails" fails_with 1 "wrong user name or password" \
    as alice bob pipe
alice_conf pa $udp
check "the right one, and reload" as alice reload
check "she is registered" wait_for 5 registered alice

check "an unknown user" fails_with 1 "does not exist at its server" \
    as alice sip:nobody@demo.example pipe
check "one that is offline" fails_with 1 "is not online now" \
    as alice sip:carol@demo.example pipe
check "a foreign domain is not served" fails_with 1 "nothing is relayed" \
    as alice sip:x@foreign.example pipe

# --- the words for a running sipd
bob_conf $udp "file, pipe, $web"
check "bob starts" start bob
check "he is registered" wait_for 5 registered bob
behind alice forward.out bob forward 8001:127.0.0.1:8000
check "a forward" wait_for 5 grep -q 8001 forward.out
count() { [ "$(as "$1" list | wc -l)" = "$2" ]; }
check "alice lists it" count alice 1
check "bob too" count bob 1
check "status shows account and session" sh -c \
    "dial -c alice/sipd.conf status > s && grep -q ' registered ' s &&
    grep -q 'session.*bob.*forward.*open' s"
check "hangup needs an ID" fails_with 2 "Which session" as alice hangup
check "of a session" fails_with 1 "no session \"77\"" as alice hangup 77
id=$(as alice list | awk '{ print $2 }')
check "hangup ID" as alice hangup "$id"
check "the dial ends, as it was told to" ends 0 $behind
check "nothing is left" count alice 0
check "neither at bob's" wait_for 5 count bob 0
check "who heard why" wait_for 5 ended bob peer-hangup
behind alice f1.out bob forward 8001:127.0.0.1:8000
b1=$behind
check "one forward" wait_for 5 grep -q 8001 f1.out
behind alice f2.out bob forward 8002:127.0.0.1:8000
check "and another" wait_for 5 grep -q 8002 f2.out
check "in the same session" count alice 1
check "bob ends all" as bob hangup all
check "the first dial ends" ends 0 $b1
check "the second too" ends 0 $behind
check "with a sentence" grep -q "bob ended the session" f1.out
check "the log has a line per call" sh -c \
    "dial -c alice/sipd.conf log 2 | grep -c '\"tunnel\":\"forward' |
    grep -qx 2"
check "identity" sh -c "dial -c alice/sipd.conf identity | grep -qx $fa"
check "trust lists" sh -c "dial -c alice/sipd.conf trust | grep bob | grep $fb"
check "a word is not a fingerprint" fails_with 2 "64 hexadecimal digits" \
    as alice trust sip:dave@demo.example hello
check "trust pins" as alice trust sip:dave@demo.example "$fl"
check "and keeps it" grep -q "$fl sip:dave@demo.example" alice/known_peers
check "and shows it" sh -c \
    "dial -c alice/sipd.conf trust sip:dave@demo.example | grep $fl"
cp alice/sipd.conf keep
echo '[nowhere]' >> alice/sipd.conf
check "reload says what is wrong" fails_with 1 "unknown section [nowhere]" \
    dial -c keep reload
kill -HUP "$pid_alice"
check "so does SIGHUP, to the log" wait_for 5 says alice "not reloaded"
check "the old configuration stays" dial -c keep list
cp keep alice/sipd.conf

# --- reloads
behind alice forward.out bob forward 8001:127.0.0.1:8000
check "a forward again" wait_for 5 grep -q 8001 forward.out
bob_conf $udp file
kill -HUP "$pid_bob"
check "bob reloads: alice may no longer pipe" wait_for 5 \
    fails_with 1 "not allow" as alice bob pipe
check "the open session goes on" sh -c \
    "curl -sf http://127.0.0.1:8001/three.bin | cmp - three.bin"
check "he stayed registered" registered bob
echo dave:pd >> users
kill -HUP "$pid_meet"
check "the meeting point reloads: dave exists" wait_for 5 \
    fails_with 1 "is not online now" as alice sip:dave@demo.example pipe
check "the session still goes on" sh -c \
    "curl -sf http://127.0.0.1:8001/there | cmp - there"
check "its own reload by dial" as meet reload
alice_conf pa "$udp" "expires = 500"
check "alice reloads, her account has changed" as alice reload
check "she is registered" wait_for 5 registered alice
sleep 3
check "the session goes on once more" sh -c \
    "curl -sf http://127.0.0.1:8001/there | cmp - there"
kill -INT $behind
check "the forward ends" ends 130 $behind
check "at bob's too, at once" wait_for 5 ended bob peer-hangup

# --- two bindings of one user
cp bob/identity.pem laptop/identity.pem
{
	account bob pb $udp
	printf '[peer alice]\nfingerprint = %s\nallow = file\n' "$fa"
} | conf laptop
check "bob's laptop, with the same key" start laptop
check "is registered too" wait_for 5 registered laptop
check "a call to both is one session" as alice bob send three.bin
arrived() { cat bob/inbox/three* laptop/inbox/three* 2> /dev/null | wc -c; }
rm -rf bob/inbox laptop/inbox
check "sent to both" as alice bob send three.bin
check "one has it" test "$(arrived)" = 3000000
check "nothing hangs at bob's" wait_for 5 count bob 0
check "nor at the laptop" wait_for 5 count laptop 0
stop laptop

# now it rings there: somebody is asked about the key, and does not answer
account bob pb $udp | conf laptop
sleep 30 | script -qfc "dial -c laptop/sipd.conf -v wait file" laptop.out \
    > /dev/null 2>&1 &
check "the laptop waits for somebody's yes" wait_for 5 \
    grep -q registered laptop.out
rm -rf bob/inbox
check "a call to both" as alice bob send three.bin
check "is answered by the other" cmp three.bin bob/inbox/three.bin
check "it rang" grep -q "Trust it from now on" laptop.out
check "and was cancelled" wait_for 5 ended laptop peer-hangup
check "and may be called again" as alice bob send there

# --- the meeting point dies and comes back
alice_conf pa "$tcp"
as alice reload
bob_conf "$tcp" "file, $web"
as bob reload
check "alice, now by TCP" wait_for 5 registered alice
# what a NAT that forgets after half a minute would see
kept() {
	ss -Htno state established 'dport = :5070' | tee ss.out
	[ -s ss.out ] && ! grep -qvE \
	    'keepalive,([0-9.]+ms|[0-9]sec|1[0-9]sec|2[0-5]sec),' ss.out
}
check "her connection is kept awake" wait_for 5 kept
check "and bob" wait_for 5 registered bob
check "the call is" wait_for 5 send
behind alice forward.out bob forward 8001:127.0.0.1:8000
check "a forward" wait_for 5 grep -q 8001 forward.out
crash meet
check "the session lives without the meeting point" sh -c \
    "curl -sf http://127.0.0.1:8001/three.bin | cmp - three.bin"
check "calls do not, and say what is gone" fails_with 1 \
    "($tcp: nothing answers at that address)" \
    as alice bob send three.bin
check "it comes back" start meet
check "so does alice's registration" wait_for 40 registered alice
check "and bob's" wait_for 40 send
kill -INT $behind
check "the forward ends" ends 130 $behind
check "at both sides" wait_for 5 count bob 0
check "the meeting point ends" stop meet
check "and bob" stop bob
check "and alice" stop alice
finish
