#!/bin/sh
# record.sh: what is written of calls, here, to syslog and in a chain that
# shows edits; and what is written nowhere: passwords, at any -v.
#
#   alice ──> meeting point ──> bob      carol: unknown, a wrong password
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)/record
cd "$T" || exit 1

# a /dev of this mount namespace alone, with a syslog in it
mkdir dev
for d in null zero full random urandom tty; do
	: > dev/$d
	mount --bind /dev/$d dev/$d
done
mkdir dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount --rbind dev /dev
socat -u UNIX-RECV:/dev/log,mode=666 CREATE:syslog.out &
syslog=$!
check "a syslog" wait_for 5 test -S /dev/log

fa=$(key alice) fb=$(key bob)
# so long that the end stays in memory that was freed and not wiped
long=and-long-and-long-and-long
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070" \
    "alice:pw-alice-long-$long-enough-8Kx2 bob:pw-bob-Q41z carol:pw-carol-77mm"
{ account alice pw-alice-long-$long-enough-8Kx2 sip:127.0.0.1:5070
cat <<EOT
[turn lab]
server = turn:127.0.0.1:3478
user = lab
password = pw-turn-long-$long-enough-Zr50
[peer bob]
address = bob@demo.example
fingerprint = $fb
EOT
} | conf alice
{ account bob pw-bob-Q41z "sip:127.0.0.1:5070;transport=tcp" |
    sed '1a log = syslog\nsyslog-calls = yes'
cat <<EOT
[peer alice]
address = alice@demo.example
fingerprint = $fa
allow = pipe
[pipe]
command = cat
EOT
} | conf bob
account carol pw-wrong-3NnE sip:127.0.0.1:5070 | conf carol
# as start, and as loud as can be
loud() {
	sipd -vv -c "$1/sipd.conf" >> "$1/log" 2>&1 &
	eval "pid_$1=$!"
	wait_for 10 as "$1" status
}
for n in meet alice bob carol; do
	check "$n starts" loud $n
done
check "alice is registered" wait_for 5 registered alice
check "bob is registered" wait_for 5 registered bob
check "carol is told that her password is wrong" \
    wait_for 5 says carol "wrong user name or password"
check "what bob logs is in syslog" wait_for 5 grep -q "sipd.*is ready" \
    syslog.out
works() { [ "$(echo hello | as alice bob pipe)" = hello ]; }
check "alice calls bob" works
check "and again" works
check "a kind that is not allowed" fails_with 1 "not allow" \
    as alice bob send users
check "a stranger calls" fails_with 1 "does not know our key" \
    as carol sip:bob@127.0.0.1:"$(ss -Hlunp | grep "pid=$pid_bob," |
    sed -n 's/.* 127\.0\.0\.1:\([0-9]*\) .*/\1/p' | head -1)" send users

# --- each is a line, here and there
verdicts() { grep -c "\"verdict\":\"$1\"" bob/calls.log; }
check "those that were taken" wait_for 5 sh -c \
    "[ \$(grep -c '\"verdict\":\"allowed\"' bob/calls.log) = 2 ]"
check "those that were not" test "$(verdicts denied)" = 2
both() { while read -r line; do grep -qF "$line" syslog.out || {
	echo "$line"; return 1; }; done < bob/calls.log; }
check "syslog has a copy of each" wait_for 5 both
check "with a facility of its own" grep -q '<86>[^<]*"verdict"' \
    syslog.out
check "the chain holds" as bob log --verify
cp bob/calls.log whole
sed -i '2s/"allowed"/"denied"/' bob/calls.log
check "an edit shows" fails_with 1 "" as bob log --verify
sed '2d' whole > bob/calls.log
check "a line that is gone shows" fails_with 1 "" as bob log --verify
sed '$d' whole > bob/calls.log
check "the last one too" fails_with 1 "" as bob log --verify
cp whole bob/calls.log
check "whole again" as bob log --verify
mv bob/calls.log bob/calls.log.1
check "whole when it was just rotated" as bob log --verify
mv bob/calls.log.1 bob/calls.log

# --- and with systemd's journald in syslog's place
journald=/lib/systemd/systemd-journald
# the machine's identity and place for logs that it wants: ours
journal_begin() {
	kill $syslog
	rm /dev/log
	tr -dc 0-9a-f < /dev/urandom | head -c 32 > machine-id
	mkdir var-log
	mount --bind machine-id /etc/machine-id &&
	    mount --bind var-log /var/log &&
	    mkdir -p /run/systemd/journal || return 1
	$journald > journald.out 2>&1 &
	syslog=$!
	wait_for 10 test -S /run/systemd/journal/dev-log &&
	    ln -s /run/systemd/journal/dev-log /dev/log
}
in_journal() {
	last=$(tail -1 bob/calls.log)
	journalctl -o cat --facility=authpriv SYSLOG_IDENTIFIER=sipd |
	    grep -qxF -- "$last"
}
if [ -x $journald ] && [ -e /etc/machine-id ]; then
	check "a journald" journal_begin
	check "alice calls bob" works
	check "the journal has the record" wait_for 5 in_journal
	check "and it is the call's" sh -c \
	    "tail -1 bob/calls.log | grep -q '\"verdict\":\"allowed\"'"
else
	echo "skipped: record: journald: it is not installed"
fi

# --- passwords
for n in alice bob carol meet; do
	for w in status list log; do
		as $n --json $w
	done
done > json.out 2>&1
{ as alice why bob; as alice check; } >> json.out 2>&1
check "there is something to look through" sh -c \
    "[ \$(wc -l < json.out) -gt 8 ] && [ \$(wc -l < alice/log) -gt 8 ]"
check "on a terminal the record is for people" sh -c \
    "script -qec 'dial -c alice/sipd.conf log' /dev/null < /dev/null |
	grep -qE '^[0-9-]{10} [0-9:]{8}  (in|out) '"
pw='enough-8Kx2|pw-bob-Q41z|enough-Zr50|pw-wrong-3NnE'
check "no password in a log" sh -c \
    "! grep -lE '$pw' */log */calls.log syslog.out"
check "nor in what dial is told" sh -c "! grep -E '$pw' json.out"
for n in alice bob carol meet; do
	eval "p=\$pid_$n"
	tr '\0' ' ' < "/proc/$p/cmdline" > ps.$n
	tr '\0' ' ' < "/proc/$p/environ" >> ps.$n
done
check "nor in ps" sh -c "! grep -E '$pw' ps.*"

# --- what is no longer needed is wiped: other passwords, and a reload
wiped() {
	sed -i 's/pw-alice-.*8Kx2/pw-other-5Tt1/;s/pw-turn-.*Zr50/pw-relay-9/' \
	    alice/sipd.conf users
	check "alice has her password in memory" has alice enough-8Kx2
	check "the meeting point has hashes alone" hasnt meet enough-8Kx2
	check "it reads other passwords" as meet reload
	check "alice too" as alice reload
	check "she is registered" wait_for 5 registered alice
	check "she has the new one" has alice pw-other-5Tt1
	check "the old one is wiped" wait_for 10 hasnt alice enough-8Kx2
	check "that of the relay too" hasnt alice enough-Zr50
	check "the meeting point has neither" hasnt meet pw-other-5Tt1
}
# has NAME TEXT: is it in the memory of its sipd?
has() { eval "p=\$pid_$1"; perl "$here/memory.pl" "$p" "$2"; }
hasnt() { ! has "$@"; }
if ldd "$E2E_BUILD/sipd" | grep -qE 'lib[at]san'; then
	echo "skipped: record: memory: a sanitizer keeps copies"
else
	wiped
fi

# --- a log that is rotated
sed -i "s|^log = .*|log = $T/bob/own|" bob/sipd.conf
check "the log goes to a file from now on" as bob reload
check "there it is" grep -q "configuration reloaded" bob/own
mv bob/own bob/own.1
check "opened anew" as bob reload
check "in the new file" grep -q "configuration reloaded" bob/own
sed -i "s|^log = .*|log = /proc/no|" bob/sipd.conf
check "one that cannot be opened" as bob reload
check "it stays where it is" grep -q "it stays where it is" bob/own

for n in alice bob carol meet; do
	check "$n ends well" stop $n
done
check "nor when they end" sh -c "! grep -lE '$pw' */log syslog.out"
kill $syslog
umount -lR /dev
umount /etc/machine-id /var/log 2> /dev/null
for d in null zero full random urandom tty pts; do
	umount -l dev/$d
done
finish
