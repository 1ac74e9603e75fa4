#!/bin/sh
# direct.sh: two peers and no server at all: alice calls bob's address.
. "$(dirname "$0")/lib.sh"

fa=$(key alice) fb=$(key bob) fc=$(key carol)
conf alice <<EOT
port = 5062
[peer bob]
address = sip:bob@127.0.0.1:5060
fingerprint = $fb
allow = file
[peer wrong]
address = sip:127.0.0.1:5060
fingerprint = $fc
EOT
conf bob <<EOT
port = 5060
[peer alice]
fingerprint = $fa
allow = file, pipe, forward 127.0.0.1:8000
[pipe]
command = tr a-z A-Z
EOT
conf carol <<EOT
port = 0
[peer bob]
address = sip:127.0.0.1
fingerprint = $fb
EOT
start bob
contained() { grep -q "$1:.*$2" "/proc/$pid_bob/status"; }
check "sipd has given up new privileges" contained NoNewPrivs 1
check "and most system calls" contained Seccomp 2

head -c 5000000 /dev/urandom > "$T/five.bin"
same() { cmp "$1" "$2"; }

for how in own daemon; do
	[ $how = own ] || start alice
	check "$how: send a file" as alice bob send "$T/five.bin"
	check "$how: it is equal" same "$T/five.bin" "$T/bob/inbox/five.bin"
	rm "$T/bob/inbox/five.bin"
	check "$how: pipe through the peer's command" sh -c \
	    "echo hello | dial -c $T/alice/sipd.conf bob pipe | grep -qx HELLO"
done

check "events as JSON" sh -c "echo x | dial -j -c $T/alice/sipd.conf bob pipe \
    | grep -q '\"event\":\"open\".*\"setup_ms\"'"
check "forward: a port that is not allowed is refused" fails_with 1 \
    "127.0.0.1:9 is not allowed to you there" \
    timeout 20 dial -c "$T/alice/sipd.conf" bob forward 8001:127.0.0.1:9

busybox httpd -f -p 127.0.0.1:8000 -h "$T" &
dial -c "$T/alice/sipd.conf" bob forward 8002:127.0.0.1:8000 \
    > "$T/forward" 2>&1 &
forward=$!
check "forward says where it listens" wait_for 5 grep -q 8002 "$T/forward"
check "forward: fetched through" sh -c \
    "curl -sf http://127.0.0.1:8002/five.bin | cmp - $T/five.bin"
check "it is in the list" sh -c "dial -c $T/alice/sipd.conf list | grep forward"
kill -TERM $forward
wait $forward
check "interrupted: 130" test $? = 130
check "and gone at the other side" wait_for 5 sh -c \
    "! dial -c $T/bob/sipd.conf list | grep forward"

check "why this path" sh -c "dial -c $T/alice/sipd.conf why bob |
    grep 'in the way: nothing: this is a direct path'"
check "with the pairs that were tried" sh -c \
    "dial -c $T/alice/sipd.conf why bob | grep -i '^[*] succeeded.*UDP host'"
check "nothing to tell of strangers" fails_with 1 "no session with" \
    as alice why sip:192.0.2.1
check "bob says what alice may do" sh -c "dial -c $T/bob/sipd.conf \\
    trust alice --explain | grep 'may use forward 127.0.0.1:8000'"
check "a key of sipd.conf is forgotten there" fails_with 1 \
    "stands in sipd.conf" as bob trust alice --forget
check "and changed there" fails_with 1 "stands in sipd.conf" \
    as bob trust alice "$fc"
check "what becomes of a stranger is said too" sh -c "dial \\
    -c $T/bob/sipd.conf trust x@example.org --explain |
    grep 'its calls are refused'"
same() { [ "$(as bob trust alice --explain)" = \
    "$(sipd -t -c "$T/bob/sipd.conf" alice)" ]; }
check "sipd -t says the same" same
check "and knows no more peers than dial" fails_with 2 "neither a" \
    sipd -t -c "$T/bob/sipd.conf" 'no body'
check "a peer is for -t alone" fails_with 2 "usage" \
    sipd -c "$T/bob/sipd.conf" alice
check "a wrong key is refused, both are shown" \
    fails_with 1 "$fc" as alice wrong send "$T/five.bin"
check "an unknown caller is refused" \
    fails_with 1 "does not know our key" as carol bob send "$T/five.bin"
check "nobody there" fails_with 1 "Nothing answers" \
    as alice sip:127.0.0.1:5999 send "$T/five.bin"
check "no such host" fails_with 1 "not known to the DNS" \
    as alice sip:nobody.invalid send "$T/five.bin"
check "a kind that is not allowed" fails_with 1 "not allow" \
    as bob sip:127.0.0.1:5062 pipe
check "no such file" fails_with 2 "nothing.bin" \
    as alice bob send "$T/nothing.bin"
check "bad words" fails_with 2 "dance" as alice bob dance
check "every attempt is in the log" sh -c \
    "test \$(grep -c unknown-here $T/bob/calls.log) = 1"
check "and the log is unbroken" sh -c \
    "dial -c $T/bob/sipd.conf log --verify 2>&1 | grep 'unbroken: [1-9]'"
check "until somebody edits it" sed -i '2s/"tx":/"tx":1/' "$T/bob/calls.log"
check "which shows" fails_with 1 "line 3: it does not follow" \
    as bob log --verify
check "sipd ends well" stop bob
check "alice's too" stop alice
finish
