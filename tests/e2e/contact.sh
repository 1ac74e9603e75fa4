#!/bin/sh
# contact.sh: first contact on two terminals: both show the same six words,
# two people compare them, and nobody is asked again.
. "$(dirname "$0")/lib.sh"

printf 'port = 5060\nallow = file\n' | conf bob
printf 'port = 5062\n' | conf alice
printf 'port = 5064\n[account]\naddress = carol@127.0.0.1\n' | conf carol
echo hello > "$T/hello"
mkdir "$T/in"

# terminal NAME OUT ...: dial on a terminal of its own; what is typed there is
# written to $T/OUT.keys
terminal() {
	n=$1 o=$T/$2; shift 2
	mkfifo "$o.keys"
	script -qefc "dial -c $T/$n/sipd.conf $*" "$o" \
	    < "$o.keys" > /dev/null 2>&1 &
	terminal=$!
}
# words OUT: those that it shows
words() { tr -d '\r' < "$T/$1" | grep -xE '  [a-z]+( [a-z]+){5}'; }
# about OUT NAME: is that one's call asked about there?
about() { tr -d '\r' < "$T/$1" | grep -q "The key of .*$2"; }
asked() { grep -q 'from now on? \[y/N\]' "$T/$1"; }

terminal bob tty.bob wait file --into "$T/in"
bob=$terminal
exec 3> "$T/tty.bob.keys"
check "bob waits" wait_for 5 sh -c "ss -ltnH 'sport = :5060' | grep ."
check "he is told where files go" wait_for 5 \
    grep -q "; files go to $T/in" "$T/tty.bob"
terminal alice tty.alice sip:127.0.0.1:5060 send "$T/hello"
alice=$terminal
exec 4> "$T/tty.alice.keys"
check "alice is asked" wait_for 10 asked tty.alice
check "bob too" wait_for 10 asked tty.bob
check "about six words" words tty.alice
check "which are the same" test "$(words tty.alice)" = "$(words tty.bob)"
check "nothing is there yet" test ! -e "$T/in/hello"
echo y >&4
check "alice says yes, and goes on" wait_for 5 grep -q "connected to" \
    "$T/tty.alice"
check "where she is told what she waits for" wait_for 5 \
    grep -q "may be asked about your key" "$T/tty.alice"
check "nor with one yes" test ! -e "$T/in/hello"
echo y >&3
check "both have said yes: it is sent" ends 0 "$alice"
check "and there" cmp "$T/hello" "$T/in/hello"
first=$(words tty.alice)

rm "$T/in/hello" "$T/tty.alice.keys"
exec 4>&-
check "nobody is asked again" as alice sip:127.0.0.1:5060 send "$T/hello"
check "the key is pinned" sh -c \
    "dial -c $T/alice/sipd.conf trust | grep 127.0.0.1:5060"

cp "$T/alice/known_peers" "$T/kept"
check "the key is forgotten" as alice trust sip:127.0.0.1:5060 --forget
check "and in no list" sh -c \
    "! dial -c $T/alice/sipd.conf trust | grep 127.0.0.1:5060"
check "it is strange again" fails_with 1 "was not accepted" \
    as alice sip:127.0.0.1:5060 send "$T/hello"
check "there is none to forget" fails_with 1 "No key is pinned" \
    as alice trust sip:127.0.0.1:5060 --forget
cp "$T/kept" "$T/alice/known_peers"

terminal carol tty.carol sip:127.0.0.1:5060 send "$T/hello"
carol=$terminal
exec 5> "$T/tty.carol.keys"
check "carol is asked" wait_for 10 asked tty.carol
check "about other words" test "$(words tty.carol)" != "$first"
echo n >&5
check "she says no, and that is the end" ends 1 "$carol"
check "her key is not trusted there" test \
    "$(grep -c : "$T/bob/known_peers")" = 1

printf 'port = 5066\n[account]\naddress = erin@127.0.0.1\n' | conf erin
terminal erin tty.erin sip:127.0.0.1:5060 send "$T/hello"
erin=$terminal
exec 6> "$T/tty.erin.keys"
check "erin is asked, though bob has not said a word to carol's call" wait_for 10 asked tty.erin
check "as is bob, about her" wait_for 5 about tty.bob erin
printf '\003' >&6
check "she interrupts it" ends 130 "$erin"
check "which is all that is said" sh -c "grep -q '^dial: Interrupted' \
    '$T/tty.erin' && ! grep 'in use' '$T/tty.erin'"
kill -TERM "$bob"
wait "$bob" 2> /dev/null

# a daemon lets strangers ring
cat > "$T/ring" <<EOT
#!/bin/sh
env | grep ^DIALTONE_ > $T/rung.new
mv $T/rung.new $T/rung
EOT
chmod +x "$T/ring"
conf dave <<EOT
port = 5066
unknown = ask
allow = file
on-call = $T/ring
EOT
start dave
ringing() { as dave list | awk '/ringing/ { print $2; exit }' | grep .; }
terminal carol tty.carol2 sip:127.0.0.1:5066 send "$T/hello"
carol=$terminal
exec 5> "$T/tty.carol2.keys"
check "it rings at dave's" wait_for 5 ringing
check "a program tells of it" wait_for 5 grep -q     'DIALTONE_PEER=sip:carol@127.0.0.1' "$T/rung"
check "and of its number" grep -q "DIALTONE_CALL=$(ringing)" "$T/rung"
check "a wrong number" fails_with 1 "waits for an answer" as dave approve 77
terminal dave tty.dave approve "$(ringing)"
dave=$terminal
exec 6> "$T/tty.dave.keys"
check "both are asked" wait_for 5 asked tty.dave
check "about the same words" wait_for 5 asked tty.carol2
check "that is" test "$(words tty.dave)" = "$(words tty.carol2)"
echo y >&6
echo y >&5
check "dave is done" ends 0 "$dave"
check "carol too" ends 0 "$carol"
check "the file is there" cmp "$T/hello" "$T/dave/inbox/hello"
rm "$T/dave/inbox/hello"
check "from now on she need not ring" as carol sip:127.0.0.1:5066 \
    send "$T/hello"

fa=$(as alice identity)
behind alice denied sip:127.0.0.1:5066 send "$T/hello"
check "alice rings" wait_for 5 ringing
check "without a terminal nobody is asked" fails_with 2 "name the key" \
    setsid dial -c "$T/dave/sipd.conf" approve "$(ringing)"
check "nor by JSON" fails_with 2 "name the key" \
    as dave --json approve "$(ringing)"
check "a word is no key" fails_with 2 "is not a fingerprint" \
    as dave approve "$(ringing)" hello
check "another key's call it is not" fails_with 1 "shows another key" \
    as dave approve "$(ringing)" "$(as carol identity)"
check "she rings all the same" ringing
check "dave says no" as dave deny "$(ringing)"
check "that is the end" ends 1 "$behind"
check "she rings again" behind alice denied sip:127.0.0.1:5066 pipe
check "for what nobody may here: refused at once" ends 1 "$behind"
check "in a sentence" grep -q "not allow" "$T/denied"
# a program that has shown the key to somebody
terminal alice tty.alice2 sip:127.0.0.1:5066 send "$T/hello"
alice=$terminal
exec 4> "$T/tty.alice2.keys"
check "alice rings again" wait_for 5 ringing
check "she is approved by her key" setsid sh -c "dial -c '$T/dave/sipd.conf' \
    approve $(ringing) $fa > '$T/approved' 2>&1 &"
check "alice is asked, dave is not" wait_for 10 asked tty.alice2
echo y >&4
check "her file goes" ends 0 "$alice"
check "and is there" cmp "$T/hello" "$T/dave/inbox/hello"
check "her key is pinned" grep -qF "$fa" "$T/dave/known_peers"
check "dave goes on" alive dave
stop dave
finish
