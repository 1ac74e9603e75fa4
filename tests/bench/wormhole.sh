# wormhole.sh: magic-wormhole, to compare with: its mailbox in the namespace
# far; sourced after lib.sh. The two ends find each other directly: there is
# no relay, and none is needed where both are reached.

# far_mailbox ADDRESS: its PID is in $mailbox, the command of both ends in
# $magic
far_mailbox() {
	export PYTHONWARNINGS=ignore LC_ALL=C.UTF-8
	magic="wormhole --appid bench --relay-url ws://$1:4000/v1"
	magic="$magic --transit-helper tcp:$1:4001"
	(cd "$T" && exec ip netns exec far twist3 wormhole-mailbox \
		--port "tcp:4000:interface=$1" > mailbox.log 2>&1) &
	mailbox=$!
}

# next_code: for one transfer, in $code; by the clock, as subshells call it
next_code() { code=$(($(now) / 1000000 % 1000000))-bench-mark; }

# the commands of the two ends: what comes goes to in/NAME; FILE is sent
wormhole_gets() {
	echo "$magic receive --hide-progress --accept-file -o in/$1 $code"
}
wormhole_puts() { echo "$magic send --hide-progress --code $code $1"; }
