#!/bin/sh
# attack.sh: a liar between two peers, INVITEs of yesterday, a REGISTER for
# somebody else, messages within messages, words that want to be log lines,
# connections that begin and do not go on: each refused, and said to be.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)/attack
cd "$T" || exit 1

fa=$(key alice) fb=$(key bob) fm=$(key mallory)
conf alice <<EOT
port = 5061
[peer bob]
address = sip:bob@127.0.0.1:5060
fingerprint = $fb
[peer carol]
address = sip:127.0.0.1:5064
fingerprint = $(key carol)
EOT
# alice again, whose way to bob leads through a server
mkdir detour
cp alice/identity* detour/
conf detour <<EOT
port = 0
[peer bob]
address = sip:bob@127.0.0.1:5090
fingerprint = $fb
EOT
conf bob <<EOT
port = 5060
sessions = 40
[peer alice]
fingerprint = $fa
allow = pipe
sessions = 2
rate = 20
[pipe]
command = cat
EOT
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070, tls:127.0.0.1:5071" \
    "alice:a bob:b" "tls-cert = $T/tls.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 2 -subj /CN=demo.example -keyout tls.key -out tls.crt 2> /dev/null
cat tls.crt tls.key > tls.pem
chmod 600 tls.pem
for n in alice bob meet; do
	check "$n starts" start $n
done
works() { [ "$(echo hello | as alice bob pipe)" = hello ]; }
check "a good call" works

# --- the server lies about keys
liar() {
	perl "$here/liar.pl" 5090 127.0.0.1:5060 "$@" &
	liar=$!
	wait_for 5 sh -c "ss -lun | grep -q ':5090 '"
}
unliar() { kill $liar; wait $liar 2> /dev/null; :; }
through() { echo hello | as detour bob pipe; }

liar
check "through a server that passes on" sh -c \
    "[ \"\$(echo hello | dial -c detour/sipd.conf bob pipe)\" = hello ]"
cp kept invite
unliar
liar "$fb=$fm"
check "another key in the answer: refused" fails_with 1 "$fm" through
check "and both are shown" fails_with 1 "$fb" through
unliar
liar "$fa=$fm"
check "another key in the offer: refused" fails_with 1 "" through
check "bob says whose" wait_for 5 grep -qF "$fm" bob/calls.log
unliar
liar "$fa=$fm" "$fb=$fm"
check "in both: refused" fails_with 1 "does not know our key" through
unliar

# --- an INVITE of yesterday: nobody has its key
before=$(wc -l < bob/calls.log)
socat -u -b65000 OPEN:invite UDP-SENDTO:127.0.0.1:5060
new() { sed 's/branch=z9hG4bK/&new/;s/^Call-ID: /&new/' invite; }
new | socat -u -b65000 - UDP-SENDTO:127.0.0.1:5060
# a stranger who claims alice's key takes nothing of what she may have: 2
# sessions, 20 calls a minute; and has a quarter of what there is
claims() {
	i=0
	while [ $i -lt 60 ]; do
		i=$((i + 1))
		sed "s/branch=z9hG4bK/&$i/;s/^Call-ID: /&$i/" invite |
		    socat -u -b65000 - UDP-SENDTO:127.0.0.1:5060,bind=127.0.0.2
	done
}
pending() { [ "$(as bob list | grep -c ' alice ')" -ge "$1" ]; }
claims
check "60 calls with alice's key" wait_for 5 pending 10
check "most are refused" wait_for 5 sh -c \
    "[ \$(grep -c 'have not shown whose' bob/log) -ge 40 ]"
check "alice is not locked out" works
check "nor by what she did before" works
check "while they are there" pending 10
over() { [ "$(as bob list | wc -l)" = 0 ]; }
check "a replayed INVITE comes to nothing" wait_for 60 over
none() {
	tail -n +$((before + 1)) bob/calls.log | tee replayed
	id=$(sed -n 's/^Call-ID: \([^@\r]*\).*/\1/p' invite)
	[ -n "$id" ] && grep -F "$id" replayed > theirs &&
	! grep -q '"reason":"done"' theirs
}
check "and no data has moved" none
check "each try is in the log" test "$(wc -l < bob/calls.log)" -gt "$before"

# who pins unasked pins what is proven: nobody takes a place by a claim
printf 'port = 5064\nunknown = pin\nallow = pipe\n[pipe]\ncommand = cat\n' |
    conf carol
check "carol starts" start carol
socat -u -b65000 OPEN:invite UDP-SENDTO:127.0.0.1:5064
claimed() { as carol list | grep -q 'alice\|127.0.0.1'; }
check "a claim is heard" wait_for 5 claimed
check "and not kept" test ! -e carol/known_peers
check "alice calls, with her key" sh -c \
    "[ \"\$(echo hello | dial -c alice/sipd.conf carol pipe)\" = hello ]"
check "that is pinned" grep -qF "$fa" carol/known_peers
check "carol ends well" stop carol

# --- say PORT: what stands on stdin, by TCP; the answers
say() { sed 's/$/\r/' | socat -t2 -b65000 - "TCP:127.0.0.1:$1" 2> /dev/null; }
# register USER CALL-ID AUTHORIZATION...
register() {
	cat <<-EOT
	REGISTER sip:demo.example SIP/2.0
	Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK$2
	From: <sip:$1@demo.example>;tag=1
	To: <sip:$1@demo.example>
	Call-ID: $2
	CSeq: 1 REGISTER
	Max-Forwards: 70
	Contact: <sip:mallory@127.0.0.1:9>
	EOT
	shift 2
	[ $# = 0 ] || printf '%s\n' "$@"
	printf 'Content-Length: 0\n\n'
}
md5() { printf %s "$1" | md5sum | cut -c 1-32; }
# authorization USER PASSWORD: for the nonce in the file challenge
authorization() {
	nonce=$(sed -n 's/.*nonce="\([^"]*\)", algorithm=MD5.*/\1/p' challenge)
	uri=sip:demo.example
	r=$(md5 "$(md5 "$1:demo.example:$2"):$nonce:00000001:c:auth:$(md5 \
	    "REGISTER:$uri")")
	printf 'Authorization: Digest username="%s", realm="demo.example", ' "$1"
	printf 'nonce="%s", uri="%s", response="%s", ' "$nonce" "$uri" "$r"
	printf 'algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\n'
}
# answers CODE FILE
answers() { head -1 "$2"; grep -q "^SIP/2.0 $1 " "$2"; }

register bob c1 | say 5070 > challenge
check "a challenge" answers 401 challenge
register alice c2 "$(authorization alice a)" | say 5070 > r
check "alice with her password" answers 200 r
register bob c3 "$(authorization alice a)" | say 5070 > r
check "bob's address with alice's password: refused" answers 403 r
check "and why" grep -q "another user's" r
register bob c4 "$(authorization bob guess)" | say 5070 > r
check "bob's address with a guess: refused" answers 403 r
check "the log says who and from where" \
    says meet 'a wrong password for the user "bob" from 127.0.0.1'
sed -i 's/nonce="[0-9a-f]\{8\}/nonce="00000001/' challenge
register bob c5 "$(authorization bob b)" | say 5070 > r
check "a nonce of our own making: challenged anew" answers 401 r
check "bob is not online" sh -c "! grep -q 'SIP/2.0 200' r"

# --- maddr: an answer for somebody else. What the Via names but for it is
# 127.0.0.1:5998; at 127.0.0.3 sits who is to be hit
hear() { socat -u "UDP-RECV:5998,bind=$1" "CREATE:$2" & }
hear 127.0.0.1 here.said
heard=$!
hear 127.0.0.3 there.said
check "both listen" wait_for 5 sh -c "[ \$(ss -Hlun 'sport = :5998' | wc -l) = 2 ]"
# elsewhere METHOD CALL-ID VERSION PORT
elsewhere() {
	register alice "$2" | sed "s/^REGISTER\(.*\)2.0/$1\1$3/
	    s/ REGISTER\$/ $1/;s/\$/\r/
	    s,^Via:.*;,Via: SIP/2.0/UDP 127.0.0.1:5998;maddr=127.0.0.3;," |
	    socat -u - "UDP-SENDTO:127.0.0.1:$4"
}
maddr="m1 m2 m3 m4 m5"
elsewhere OPTIONS m1 2.0 5060
elsewhere INVITE m2 2.0 5060
elsewhere OPTIONS m3 7.0 5060
elsewhere REGISTER m4 2.0 5070
elsewhere OPTIONS m5 7.0 5070
for m in $maddr; do
	check "answered where it came from ($m)" wait_for 5 \
	    grep -q "^Call-ID: $m" here.said
done
check "and not at maddr" test ! -s there.said
kill $heard $!

# --- a message within a message
inner() { register alice "$1"; }
smuggle() {     # NAME, then what follows Max-Forwards; stdin: the rest
	cat <<-EOT
	OPTIONS sip:demo.example SIP/2.0
	Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK$1
	From: <sip:x@127.0.0.1>;tag=1
	To: <sip:demo.example>
	Call-ID: $1
	CSeq: 1 OPTIONS
	EOT
	n=$1; shift
	printf '%s\n' "$@"
	echo
	register alice "inner-$n"
}
for port in 5060 5070; do
	smuggle s1 "Content-Length: 0" "Content-Length: 500" | say $port > r1
	smuggle s2 "Content-Length: -5" | say $port > r2
	smuggle s3 "Content-Length: 0x0" | say $port > r3
	smuggle s4 "Content-Length: 500" "l: 0" | say $port > r4
	smuggle s5 "X: y" | say $port > r5
	smuggle s6 "Content-Length: 400" | say $port > r6
	for i in 1 2 3 4 5 6; do
		check "no inner message ($i to $port)" \
		    sh -c "! grep -q inner r$i"
	done
	{ smuggle s7 "Content-Length: 0"; register alice s8; } |
	    say $port > r7
	check "two messages are two ($port)" grep -q inner-s7 r7
	check "and a third ($port)" grep -q "Call-ID: s8" r7
done

# --- words that want to be lines of a log
evil=$(printf 'x%%0A2026-01-01T00:00:00Z info: all is well\033[2J')
sed "s/^From: .*/From: \"$evil\" <sip:x%0D%0Aevil@127.0.0.1>;tag=9/
    s/branch=z9hG4bK/&evil/;s/^Call-ID: /&evil/;s/$fa/$fm/" invite |
    socat -u -b65000 - UDP-SENDTO:127.0.0.1:5060
check "it has come" wait_for 10 says bob "evil@127.0.0.1 refused"
own() { ! grep -vE '^[0-9]{4}-[0-9T:-]+Z (error|warn|info|debug): ' "$1"; }
for n in alice bob meet; do
	check "each line of $n's log is one of ours" own $n/log
	check "of clean text" sh -c "! LC_ALL=C grep -q '[^ -~]' $n/log"
done
check "and the call log is whole" as bob log --verify

# --- who begins and does not go on
conns() { ss -Htn state established "sport = :$1" | wc -l; }
control() { ss -Hx state established | grep -c "$T/bob/control"; }
c1=$(conns 5060) c2=$(conns 5070) c3=$(control) c4=$(conns 5071)
for n in 1 2 3 4 5 6 7 8; do
	{ printf 'INVITE sip:b SIP/2.0\r\nTo: <'
	while sleep 1; do printf x; done; } |
	    socat -u - TCP:127.0.0.1:5060 2> /dev/null &
	{ printf 'REGISTER sip:b SIP/2.0\r\nTo: <'
	while sleep 1; do printf x; done; } |
	    socat -u - TCP:127.0.0.1:5070 2> /dev/null &
	{ printf 'REGISTER sip:b SIP/2.0\r\nTo: <'
	while sleep 1; do printf x; done; } |
	    openssl s_client -quiet -connect 127.0.0.1:5071 > /dev/null 2>&1 &
	# a handshake that is begun: five bytes of a record, then one by one
	{ printf '\026\003\001\002\000'; while sleep 1; do printf x; done; } |
	    socat -u - TCP:127.0.0.1:5071 2> /dev/null &
	{ printf '{"cmd":'; while sleep 1; do printf ' '; done; } |
	    socat -u - UNIX-CONNECT:bob/control 2> /dev/null &
done
open() { [ "$(conns 5060)" -ge $((c1 + 8)) ] &&
    [ "$(conns 5070)" -ge $((c2 + 8)) ] && [ "$(control)" -ge $((c3 + 8)) ] &&
    [ "$(conns 5071)" -ge $((c4 + 16)) ]; }
check "they are open" wait_for 5 open
check "a good call meanwhile" works
gone() {
    echo "$(conns 5060) $(conns 5070) $(conns 5071) $(control)," \
	"was $c1 $c2 $c4 $c3"
    [ "$(conns 5071)" -le "$c4" ] &&
    [ "$(conns 5060)" -le "$c1" ] && [ "$(conns 5070)" -le "$c2" ] &&
    [ "$(control)" -le "$c3" ]; }
wait_for 15 gone
check "after ten seconds they are closed" gone

# --- the control socket
chat() { printf '%s\n' "$1" | socat -t2 - UNIX-CONNECT:bob/control; }
says_error() { chat "$1" | tee chat.out | grep -q '"event":"error"'; }
check "no JSON" says_error 'hello'
check "no command" says_error '{"cmd":"format-disk"}'
check "a command that is no word" says_error '{"cmd":{"a":[1,2]}}'
check "deep JSON" says_error "$(printf '[%.0s' $(seq 5000))"
head -c 70000 /dev/zero | tr '\0' a | socat -t2 - UNIX-CONNECT:bob/control \
    > long.out 2> /dev/null
check "a line without end is cut off" sh -c "! grep -q '\"exit\":0' long.out"
check "it is ours alone" test "$(stat -c %a bob/control)" = 600

check "a good call" works
for n in alice bob meet; do
	check "$n ends well" stop $n
done
finish
