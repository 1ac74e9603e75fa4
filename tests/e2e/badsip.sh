#!/bin/sh
# badsip.sh: messages as in RFC 4475 and worse, bad descriptions, garbage to
# every port: each gets its answer or none, and a good call works afterwards.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
mkdir m r

neighbours "file, pipe" <<EOT
[pipe]
command = cat
EOT
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070" a:b
for n in alice bob meet; do
	check "$n starts" start $n
done
echo hello > hello
works() {
	rm -rf bob/inbox
	as alice bob send hello && cmp hello bob/inbox/hello &&
	[ "$(as alice bob pipe < hello)" = hello ]
}
check "a good call" works

# a good offer, of alice's own making
socat -u UDP-RECV:5999 CREATE:invite &
wait_for 5 sh -c "ss -lun | grep -q ':5999 '"
dial -c alice/sipd.conf sip:bob@127.0.0.1:5999 send hello > /dev/null 2>&1 &
wait_for 5 grep -q end-of-candidates invite
kill -INT $!
tr -d '\r' < invite | awk '/^INVITE/ { if (n++) exit } v { print }
    /^$/ { v = 1 }' > offer
check "an offer to make worse" grep -q "^a=fingerprint:sha-256 $fa" offer

# --- the messages. make NAME WANT WANT-OF-MEETING-POINT: what stands in
# m/NAME with XXX for the transport and UNIQ for what differs each time.
# WANT: the status code, or - for no answer; UDP/TCP if they differ
wanted=
make() {
	wanted="$wanted $1:$2:$3"
}
# request METHOD [HEADER...] < BODY
request() {
	cat > body
	method=$1
	shift
	printf '%s sip:bob@127.0.0.1 SIP/2.0\n' "$method"
	printf 'Via: SIP/2.0/XXX 127.0.0.1:9;rport;branch=z9hG4bKUNIQ\n'
	printf 'From: <sip:x@127.0.0.1>;tag=1\nTo: <sip:bob@127.0.0.1>\n'
	printf 'Call-ID: UNIQ\nCSeq: 1 %s\nMax-Forwards: 70\n' "$method"
	printf 'Contact: <sip:x@127.0.0.1:9>\n'
	[ $# = 0 ] || printf '%s\n' "$@"
	printf 'Content-Length: %d\n\n' \
	    $(($(wc -c < body) + $(wc -l < body)))
	cat body
}
# plain NAME WANT MEETING SED-SCRIPT [METHOD]: a request changed
plain() {
	request "${5:-OPTIONS}" < /dev/null | sed "$4" > "m/$1"
	make "$1" "$2" "$3"
}
# sdp NAME WANT SED-SCRIPT: an INVITE with the offer changed
sdp() {
	sed "$3" offer > body2
	request INVITE "Content-Type: application/sdp" < body2 > "m/$1"
	make "$1" "$2" 407
}

plain options        200 407 ''
plain folded         200 407 's/^From: \(.*\);tag/From:\n \1\n\t;tag/'
plain wide           200 407 's/^From: /f  :  /;s/^To:/T :/;s/^Call-ID:/i:/'
plain escaped        200 407 '1s/bob/%62%6Fb%00/'
plain no-to          400 400 '/^To:/d'
plain no-from        400 400 '/^From:/d'
plain no-call-id     400 400 '/^Call-ID:/d'
plain no-cseq        400 400 '/^CSeq:/d'
plain no-via         -   -   '/^Via:/d'
plain no-contact     400 407 '/^Contact:/d' INVITE
plain other-method   400 400 's/^CSeq: 1 .*/CSeq: 1 INVITE/'
plain huge-cseq      400 400 's/^CSeq: 1 /CSeq: 36893488147419103232 /'
plain scheme         416 416 '1s/sip:bob/nobodyKnowsThisScheme:bob/'
plain version        505 505 '1s/2\.0$/7.0/'
plain negative       400 400 's/^Content-Length:.*/Content-Length: -999/'
plain too-short      400/- 400/- 's/^Content-Length:.*/Content-Length: 9999/'
plain two-from       400 400 's/^From:.*/&\n&/'
plain no-hops        200 483 's/^Max-Forwards:.*/Max-Forwards: 0/'
plain open-quote     400 400 's/^From: /From: "open /'
plain open-angle     200 407 's/^To:.*/To: <sip:bob@127.0.0.1/'
plain spaces         400 400 '1s/ sip/  sip/'
plain long-header    400 400 "s/^Contact:.*/&\\nX: $(seq -s '' 4000)/"
plain many-headers   400 400 "s/^Contact:.*/&$(seq -f '\nX-%g: 1' -s '' 500)/"
plain unknown        501 407 '' FROBNICATE
plain refer          405 407 '' REFER
plain register       405 401 '' REGISTER
plain bye            481 407 '' BYE
plain cancel         481 481 '' CANCEL
plain ack            -   -   '' ACK
plain info           481 407 '' INFO
plain prack          481 407 '' PRACK
plain update         481 407 '' UPDATE
plain in-dialog      481 407 's/^To:.*/&;tag=77/' INVITE
plain require        420 407 's/^Contact:.*/&\nRequire: nothing/' INVITE
plain empty          488 407 '' INVITE
request INVITE "Content-Type: text/plain" < hello > m/text
make text            415 407
request INVITE "Content-Type: application/sdp" < hello > m/no-sdp
make no-sdp          400 407

sdp no-key           488 '/^a=fingerprint/d'
sdp short-key        400 's/^\(a=fingerprint:sha-256 ..:..\).*/\1/'
sdp sha1             606 's/^a=fingerprint.*/a=fingerprint:sha-1 12:34/'
sdp no-ice           488 '/^a=ice-ufrag/d'
sdp short-pwd        400 's/^a=ice-pwd.*/a=ice-pwd:short/'
sdp long-ufrag       400 "s/^a=ice-ufrag.*/a=ice-ufrag:$(seq -s '' 200)/"
sdp no-tunnel        488 's/dialtone-tunnel:file/dialtone-tunnel:dance/'
sdp other-version    488 's/v=1/v=99/'
sdp not-allowed      403 's/x-dialtone-tunnel:file/x-dialtone-tunnel:forward/'
sdp audio            488 's/^m=.*/m=audio 4000 RTP\/AVP 0/'
sdp many-lines       488 "s/^a=end.*/&$(seq -f '\nm=audio %g RTP\/AVP 0' \
    -s '' 4000 4020)/"
sdp no-version       400 '/^v=/d'
sdp binary           400 "2s/.*/$(printf '\377\001\002')/"
for n in $(seq 400); do
	echo "a=candidate:$n 1 UDP 2130706431 127.0.0.1 $((n + 1000)) typ host"
done > many
sed '/^a=end/r many' offer > body2
request INVITE "Content-Type: application/sdp" < body2 > m/candidates
make candidates      400 407
sdp taken            200 ''
sdp bad-candidates   400 's/^a=candidate.*/a=candidate:x y z/'

printf 'GET / HTTP/1.1\nHost: x\n\n' > m/http
make http - -
printf 'SIP/2.0 200 OK\nVia: SIP/2.0/XXX h;branch=z9hG4bKUNIQ\n' > m/response
printf 'From: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2\nCall-ID: UNIQ\n' \
    >> m/response
printf 'CSeq: 1 INVITE\nContent-Length: 0\n\n' >> m/response
make response - -
printf 'INVITE sip:x SIP/2.0\nTo: ' > m/half
make half - -
head -c 1400 /dev/urandom > m/random
make random - -
head -c 60000 /dev/zero | tr '\0' a > m/line
make line - -
yes 'a b' | head -c 60000 | tr '\n' ' ' > m/words
make words - -

# --- all of them to all of the ports at once. wants ENTRY TRANSPORT PORT: $want
wants() {
	want=${1#*:}
	[ "$3" = 5060 ] && want=${want%:*} || want=${want#*:}
	[ "$2" = UDP ] && want=${want%/*} || want=${want#*/}
}
# each COMMAND...: for all messages, with these three
each() {
	for t in UDP TCP; do
		for port in 5060 5070; do
			for w in $wanted; do
				"$@" "$w" $t $port || return 1
			done
		done
	done
}
i=0 senders=
sent() {
	i=$((i + 1))
	sed "s/XXX/$2/;s/UNIQ/u$i/;s/\$/\r/" "m/${1%%:*}" |
	    socat -t60 -b 65000 - "$2:127.0.0.1:$3" \
	    > "r/${1%%:*}.$2.$3" 2> /dev/null &
	senders="$senders $!"
	[ $((i % 40)) != 0 ] || sleep 0.3
}
each sent
has_come() {
	wants "$@"
	[ "$want" = - ] || [ -s "r/${1%%:*}.$2.$3" ]
}
wait_for 20 each has_come
sleep 1         # what comes although it should not, has had its time too
# shellcheck disable=SC2086
kill $senders 2> /dev/null
# answered WANT FILE
answered() {
	got=$(sed -n '1s/^SIP\/2.0 \([0-9]*\).*/\1/p' "$2")
	head -1 "$2"
	[ "${got:--}" = "$1" ]
}
for w in $wanted; do
	n=${w%%:*}
	for t in UDP TCP; do
		wants "$w" $t 5060
		check "$n by $t" answered "$want" "r/$n.$t.5060"
		wants "$w" $t 5070
		check "$n by $t to the meeting point" \
		    answered "$want" "r/$n.$t.5070"
	done
done
check "415 says what would do" grep -q "^Accept: application/sdp" r/text.*.5060
check "405 says what is allowed" grep -q "^Allow: INVITE" r/refer.*.5060
check "420 says what is not known" grep -q "^Unsupported: nothing" \
    r/require.*.5060
check "488 says why" grep -q "^Warning: 399 .*fingerprint" r/no-key.*.5060

# --- calls that were taken and are never acknowledged
check "some of the calls were taken" sh -c \
    "[ \$(dial -c bob/sipd.conf list | wc -l) -ge 2 ]"
taken=$(date +%s)

# --- connections that say nothing, or little, and stay
for n in $(seq 100); do
	{ printf 'INVITE sip:b SIP/2.0\r\nTo: <'; sleep 20; } |
	    socat - TCP:127.0.0.1:5060 > /dev/null 2>&1 &
	{ sleep 20; } | socat - TCP:127.0.0.1:5070 > /dev/null 2>&1 &
done
check "200 connections later" works

# --- garbage to where sessions are carried
media=$(ss -Hlunp | grep "pid=$pid_bob," |
    sed -n 's/.*0\.0\.0\.0:\([0-9]*\) .*/\1/p' | grep -vx 5060 | head -1)
check "bob's media port" test -n "$media"
mkfifo in
dial -c alice/sipd.conf bob pipe < in > out 2> pipe.out &
pipe=$!
exec 3> in
echo one >&3
check "a pipe is open" wait_for 5 grep -q one out
shoot() { socat -u -b "$1" - "UDP-SENDTO:127.0.0.1:$media"; }
head -c 700000 /dev/urandom | shoot 1200
head -c 20000 /dev/urandom | shoot 20
head -c 400 /dev/urandom | shoot 1
head -c 65000 /dev/zero | shoot 65000
# each kind of packet by its first bytes, and then nonsense
for begin in '\000\001\000\000\041\022\244\102' \
    '\000\001\377\374\041\022\244\102' '\001\001\000\010\041\022\244\102' \
    '\000\001\000\024\041\022\244\102aaaaaaaaaaaa\000\006\377\377' \
    '\026\376\375\000\000\000\000\000\000\000\000\377\377' \
    '\026\376\375\000\000' \
    '\100\000\377\377' '\300\000\000\000\001\024' \
    '\303\377\377\377\377\000\000' \
    '\300\000\000\000\000\010' '\100\001' '\177' '\200\000' '\377'; do
	for n in 0 12 100 1300; do
		{ printf "$begin"; head -c $n /dev/urandom; } | shoot 2000
	done
done
echo two >&3
check "the pipe goes on" wait_for 5 grep -q two out
exec 3>&-
check "and ends well" ends 0 $pipe
check "a good call" works

# --- what was taken is given up
quiet() { [ "$(as bob list | wc -l)" = 0 ]; }
check "calls that were never acknowledged are over" wait_for 60 quiet
check "in time" test $(($(date +%s) - taken)) -lt 50
check "each is in the log" sh -c \
    "[ \$(grep -c '\"verdict\":\"allowed\"' bob/calls.log) -ge 4 ]"
check "a good call works" works
for n in alice bob meet; do
	check "$n ends well" stop $n
done
finish
