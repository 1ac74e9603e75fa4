#!/bin/sh
# kill.sh: one side is killed, stopped or interrupted; the other must notice
# in time and say the right thing, nothing half may look whole, and a send
# goes on where it stopped.
#
#   alice ==> bob      bob is killed         (send, forward, pipe)
#   carol ==> dave     carol is killed       (send, forward, pipe)
#   erin  ==> dave     her dial is killed, it is its own sipd
#   frank ==> grace    they are told to end
#   henry --> meet     the meeting point is killed, UDP does not notice
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

port=5060
# pair A B: two peers that may do everything
pair() {
	f1=$(key "$1") f2=$(key "$2")
	p1=$port p2=$((port + 2)) port=$((port + 4))
	conf "$1" <<-EOT
	port = $p1
	[peer $2]
	address = sip:127.0.0.1:$p2
	fingerprint = $f2
	allow = file, pipe, forward 127.0.0.1:8000
	EOT
	conf "$2" <<-EOT
	port = $p2
	[peer $1]
	address = sip:127.0.0.1:$p1
	fingerprint = $f1
	allow = file, pipe, forward 127.0.0.1:8000
	EOT
}
pair alice bob
pair carol dave
pair frank grace
fe=$(key erin) fd=$(key dave)
conf erin <<EOT
[peer dave]
address = sip:127.0.0.1:5066
fingerprint = $fd
EOT
cat >> dave/sipd.conf <<EOT
[peer erin]
fingerprint = $fe
allow = file
EOT
meeting_point udp:127.0.0.1:5090 henry:ph
account henry ph sip:127.0.0.1:5090 | conf henry
# the meeting point grants a minute at least
echo 'expires = 60' >> henry/sipd.conf

# slow enough to be killed in the middle, and for what is there already to be
# recognised before it is sent again
check "the network is slow" tc qdisc add dev lo root tbf rate 400mbit \
    burst 1m latency 50ms
head -c 200000000 /dev/urandom > big
mkfifo silent
sleep 200 > silent &
for n in alice bob carol dave frank grace meet henry; do
	check "$n starts" start $n
done
check "henry is registered" wait_for 5 registered henry

listening() { grep -q "listening on" "$1"; }
part() { [ -n "$(find "$1/inbox" -name ".$2.*part" -size +30M)" ]; }
only_parts() { [ -z "$(find "$1/inbox" -type f ! -name '.*')" ]; }
now() { date +%s; }
since() { echo "$(($(now) - $1)) s"; [ $(($(now) - $1)) -le "$2" ]; }
# within FILE BEGIN SECONDS: it was last written to so soon after that
within() { took=$(($(stat -c %Y "$1") - $2)); echo "$took s"; [ $took -le "$3" ]; }
sessions() { as "$1" list | wc -l; }
none() { [ "$(sessions "$1")" = 0 ]; }

# open_pipe NAME PEER OUT: to a waiter who may not wait yet; PID in $pipe
open_pipe() {
	for try in 1 2 3 4 5 6 7 8 9; do
		: > "$3"        # the one before may have said `dial:`
		dial -c "$1/sipd.conf" -v "$2" pipe < silent > "$3" 2>&1 &
		pipe=$!
		wait_for 5 grep -q "connected to\|dial:" "$3"
		grep -q "connected to" "$3" && return
		wait $pipe
		sleep 0.1
	done
	cat "$3"
	false
}

# --- kill -9 of the called side. The file is begun when all else is there: it
# takes four seconds
behind alice a.forward.out bob forward 8001:127.0.0.1:8000
a_forward=$behind
behind bob b.wait.out wait pipe
check "alice forwards to bob" wait_for 5 listening a.forward.out
check "alice's pipe is open" open_pipe alice bob a.pipe.out
a_pipe=$pipe
behind alice a.send.out bob send big
a_send=$behind
check "alice's file is under way" wait_for 10 part bob big
crash bob
t_bob=$(now)
check "only a partial file is at bob's" only_parts bob

# --- kill -9 of the calling side
behind carol c.forward.out dave forward 8002:127.0.0.1:8000
c_forward=$behind
check "carol forwards to dave" wait_for 5 listening c.forward.out
dial -c dave/sipd.conf wait pipe --once < silent > d.wait.out 2>&1 &
d_wait=$!
check "carol's pipe is open" open_pipe carol dave c.pipe.out
c_pipe=$pipe
behind carol c.send.out dave send big
c_send=$behind
check "carol's file is under way" wait_for 10 part dave big
crash carol
t_carol=$(now)
check "her dials say so" ends 1 $c_send
check "in a sentence" grep -q "sipd has gone away" c.send.out
check "the forward too" ends 1 $c_forward
check "the pipe too" ends 1 $c_pipe

# --- kill -9 of a dial that is its own sipd
cp big big2
behind erin e.out dave send big2
e_send=$behind
check "erin's file is under way" wait_for 10 part dave big2
kill -KILL $e_send
wait $e_send 2> /dev/null
t_erin=$(now)

# --- of a dial that has a sipd: its session ends at once
behind frank f.out grace send big
check "frank's file is under way" wait_for 10 part grace big
kill -KILL $behind
wait $behind 2> /dev/null
check "his sipd ends the session" wait_for 2 ended frank local-hangup
check "grace hears it" wait_for 2 ended grace peer-stopped
check "only a partial file is there" only_parts grace

# --- interrupted: not a failure, but not the whole file
behind frank f.out grace send big
check "it is under way again" wait_for 10 grep -q connected f.out
sleep 0.3
kill -INT $behind
check "interrupted: 130" ends 130 $behind
check "grace hears that too" wait_for 2 ended grace peer-stopped
check "still only a partial file" only_parts grace

# --- hung up by somebody else at the same sipd: no success of the dial
behind frank f.out grace send big
check "it is under way once more" wait_for 10 grep -q connected f.out
check "frank hangs up" as frank hangup all
check "the send has failed" ends 1 $behind
check "and says so" grep -q "was ended here before everything" f.out
check "grace has only a part" wait_for 2 ended grace peer-stopped

# --- SIGTERM of the called side
behind frank f.out grace send big
f_send=$behind
behind frank f.forward.out grace forward 8003:127.0.0.1:8000
check "send and forward" wait_for 5 listening f.forward.out
check "the send is under way" wait_for 5 grep -q connected f.out
t=$(now)
check "grace ends when she is told to" stop grace
check "soon" since $t 3
check "the send has failed" ends 1 $f_send
check "for this reason" grep -q "ended the session before everything" f.out
check "the forward has ended" ends 0 $behind
check "for this one" grep -q "grace ended the session" f.forward.out
check "grace has written it down" ended grace shutdown

# --- SIGTERM of the calling side
check "grace starts again" start grace
behind frank f.out grace send big
f_send=$behind
behind frank f.forward.out grace forward 8003:127.0.0.1:8000
check "send and forward" wait_for 5 listening f.forward.out
check "the send is under way" wait_for 5 grep -q connected f.out
check "frank ends when he is told to" stop frank
check "the send has failed" ends 1 $f_send
check "because" grep -q "shutting down" f.out
check "so has the forward" ends 1 $behind
check "grace has no session any more" wait_for 3 none grace
check "she knows why" grep -q '"reason":"peer-stopped"' grace/calls.log
check "grace ends" stop grace

# --- the time is up
crash meet
check "the meeting point is back" start meet
check "alice's send ends" ends 1 $a_send
check "her forward too" ends 1 $a_forward
check "her pipe too" ends 1 $a_pipe
for o in a.send.out a.forward.out a.pipe.out; do
	check "$o: a sentence" grep -q "bob has vanished" $o
	check "$o: within 30 s" within $o $t_bob 30
done
check "alice has no session any more" none alice
check "the waiting dial at dave's ends" ends 1 $d_wait
check "in a sentence" grep -q "carol has vanished" d.wait.out
check "within 30 s" within d.wait.out $t_carol 30
check "all of dave's end" wait_for 30 none dave
check "erin's too within 30 s" within dave/calls.log $t_erin 30
check "for the right reason" sh -c \
    "test \$(grep -c '\"reason\":\"peer-lost\"' dave/calls.log) -ge 2"
check "only partial files at dave's" only_parts dave

# --- where it stopped
had_bob=$(stat -c %s bob/inbox/.big.*part)
had_dave=$(stat -c %s dave/inbox/.big.*part)
check "bob is back" start bob
check "carol is back" start carol
check "alice sends again" as alice bob send big
check "it is whole" cmp big bob/inbox/big
check "nothing partial is left" sh -c "! ls bob/inbox/.big*part"
rest() {        # SENDER BYTES: were they not sent again?
	tx=$(tail -1 "$1/calls.log" | sed 's/.*"tx":\([0-9]*\).*/\1/')
	echo "$tx sent, $2 were there"
	[ "$tx" -lt $((205000000 - $2 / 2)) ]
}
check "from where it was" rest alice "$had_bob"
check "carol sends again" as carol dave send big
check "it is whole" cmp big dave/inbox/big
check "from where it was" rest carol "$had_dave"

refreshed() { [ "$(grep -c ': registered' henry/log)" = 2 ]; }
check "henry refreshes, and is back at the meeting point" \
    wait_for 60 refreshed

# --- started again before the one that was killed is gone
kill -STOP $pid_henry
old=$pid_henry
queued() { ss -Hxl src "$T/henry/control" | awk '{ exit !($3 > 0) }'; }
sipd -v -c henry/sipd.conf >> henry/log 2>&1 &
pid_henry=$!
check "a second sipd asks the first" wait_for 5 queued
kill -KILL "$old"
wait "$old" 2> /dev/null
check "and takes its place" wait_for 5 as henry status
check "which nobody else gets" fails_with 1 "Another sipd runs" \
    timeout 10 sipd -c henry/sipd.conf
for n in alice bob carol dave henry; do
	check "$n ends" stop $n
done
finish
