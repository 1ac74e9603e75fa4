#!/bin/sh
# pipe.sh: dial's pipe as people use it: any bytes, both ways, a tree by tar,
# commands and how they end; and list, hangup and log of what went on.
. "$(dirname "$0")/lib.sh"

neighbours pipe <<EOT
[pipe]
command = cat
EOT
export SECRET=not-for-commands
start bob
# commanded COMMAND: what bob runs from now on
commanded() {
	sed -i '/^command = /d' "$T/bob/sipd.conf"
	printf 'command = %s\n' "$1" >> "$T/bob/sipd.conf"
	as bob reload
}
head -c 30000000 /dev/urandom > "$T/bytes"
cd "$T" || exit 1
piped() { dial -c "$T/alice/sipd.conf" bob pipe; }

check "any bytes, there and back" sh -c \
    "dial -c alice/sipd.conf bob pipe < bytes | cmp - bytes"
mkdir -p tree/a/b
cp bytes tree/a/b/one; ln -s one tree/a/b/link; : > tree/empty
mkdir there
commanded "tar x -C $T/there"
check "a tree by tar" sh -c "tar c -C tree . | dial -c alice/sipd.conf bob pipe"
check "it is the same" diff -r --no-dereference tree there

# tail speaks only when its input has ended: half-close
commanded "tail -c 3"
check "half-close" sh -c "printf 12345 | dial -c alice/sipd.conf bob pipe |
    grep -qx 345"
commanded "head -c 4"
check "a command that takes not all" sh -c \
    "dial -c alice/sipd.conf bob pipe < bytes | cmp -n 4 - bytes"
commanded "exit 7"
check "its exit status" fails_with 1 "exit status 7" piped
commanded 'kill -TERM $$'
check "its signal" fails_with 1 "signal 15" piped
commanded 'env | cut -d= -f1 | sort | tr "\n" " "'
piped < /dev/null > env.out
check "a clean environment" grep -qx 'DIALTONE_PEER HOME \(LANG \)\?PATH PWD ' \
    env.out
check "nothing of ours" sh -c "! grep -q SECRET env.out"

# its group goes with the call
commanded 'echo $$ > '"$T"'/group; sleep 1000 & sleep 1000'
mkfifo silent
sleep 1000 > silent &
dial -c alice/sipd.conf bob pipe < silent > hang.out 2>&1 &
hang=$!
check "the command runs" wait_for 5 test -s group
check "hangup ends the call" sh -c "dial -c bob/sipd.conf list |
    sed -n 's/^session *\([0-9]*\).*/\1/p' | grep . |
    xargs dial -c bob/sipd.conf hangup"
check "the dial ends" ends 1 $hang
gone() { ! kill -0 -- "-$(cat group)"; }
check "no process of it is left" wait_for 5 gone
check "no such session" fails_with 1 "no session" as bob hangup 4711
check "nor any" test -z "$(as bob list)"

# dial wait as the other end; before it is there nobody is
sed -i '/^command = /d' bob/sipd.conf
check "no command any more" as bob reload
dial -c bob/sipd.conf wait pipe --from alice --once > waited < bytes \
    2> wait.out &
wait=$!
wait_for 10 sh -c "dial -c alice/sipd.conf bob pipe < tree/a/b/one > got"
check "wait: what came" cmp waited bytes
check "wait: what went" cmp got bytes
check "wait: --once" ends 0 $wait

# the log
lines() { as bob log "$@" > log.out; test "$(wc -l < log.out)" = "$lines"; }
all=$(wc -l < bob/calls.log)
lines=3; check "log: the last" lines 3
lines=$all; check "log: of a peer" lines 1000 --peer alice
lines=0; check "log: of another" lines 1000 --peer nobody
check "a call that is refused" fails_with 1 "not allow" \
    as alice bob send bytes
lines=1; check "log: what was denied" lines 1 --denied
check "log: that one" grep -q '"tunnel":"file","verdict":"denied"' log.out
as bob log 1000 --denied > log.out
check "log: nothing else" sh -c "! grep -v '\"verdict\":\"denied\"' log.out"
dial -c bob/sipd.conf log 1 --follow > follow.out &
follow=$!
check "log: follow has the last" wait_for 5 grep -q '"tunnel":"file"' follow.out
mv bob/calls.log bob/calls.log.1
commanded true
piped < /dev/null
check "log: and those that come, in a file that is new" wait_for 5 \
    grep -q '"tunnel":"pipe"' follow.out
kill -TERM $follow
check "log: until it is interrupted" ends 130 $follow
check "log: nonsense" fails_with 2 "There is no option --some" as bob log --some
check "list as JSON" sh -c "dial -j -c bob/sipd.conf list | grep -q '\"exit\":0'"
check "sipd ends well" stop bob
finish
