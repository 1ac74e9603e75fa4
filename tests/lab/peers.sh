# peers.sh: sipd on both hosts, a session between them, and what came of it.
# Sourced after world.sh and sites.sh, by bash.

LAB_PATIENCE=${LAB_PATIENCE:-12}

# pair A B: both sites
pair() {
	if type "pair_$1_$2" > /dev/null 2>&1; then
		"pair_$1_$2"
	else
		"site_$1" a 1 && "site_$2" b 2
	fi
}

# peer_conf SIDE KIND OTHER FINGERPRINT [LINE...]: LINEs go to [nat]
peer_conf() {
	case $2 in
	web) meet="sip:meet.lab:443;transport=tls" ;;
	noudp) meet="sip:meet.lab:5060;transport=tcp" ;;
	*) meet="sip:meet.lab:5061;transport=tls" ;;
	esac
	s_=$1 o_=$3 f_=$4
	shift 4
	conf "$s_" <<-EOT
	port = 0
	[account]
	address = $s_@lab
	password = p$s_
	registrar = $meet
	tls-ca = $T/ca.pem
	[peer $o_]
	address = $o_@lab
	fingerprint = $f_
	allow = file, pipe
	[pipe]
	command = echo hello; cat
	[turn]
	server = turn:turn.lab:3478, turns:turn.lab:443
	user = lab
	password = lab
	tls-ca = $T/ca.pem
	[nat]
	stun = stun.lab, stun2.lab
	$(printf '%s\n' "$@")
	EOT
}
peers_conf() {
	fa=$(key a) fb=$(key b)
	peer_conf a "$1" b "$fb" "guess = ${LAB_GUESS:-yes}" "tls-port = 443"
	peer_conf b "$2" a "$fa" "guess = ${LAB_GUESS:-yes}" "tls-port = 443"
}
peer_start() {
	at "$1" sipd -vv -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
	eval "pid_$1=$!"
	wait_for 10 dial -c "$T/$1/sipd.conf" status &&
	    wait_for 15 registered "$1"
}
peer_stop() {
	eval "p=\$pid_$1"
	kill "$p" 2> /dev/null
	wait "$p" 2> /dev/null
}

field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | tail -1; }
number() { sed -n "s/.*\"$1\":\\([0-9]*\\).*/\\1/p" | tail -1; }
ms() { echo $(((${EPOCHREALTIME/./}) / 1000)); }

# stamp: lines of stdin, each with the time in ms before it; without a fork,
# which would take a millisecond itself
stamp() {
	while IFS= read -r line; do
		t_=${EPOCHREALTIME/./}
		echo "$((t_ / 1000)) $line"
	done
}

# path_now: the path of a's session
path_now() { as a -j list > "$T/now" && field path < "$T/now"; }

# ready: b waits for a pipe, with a first byte in its hand, so that starting a
# command is no part of what is measured; it has no command then
ready() {
	sed -i '/^command = /d' "$T/b/sipd.conf"
	as b reload > /dev/null || return 1
	echo hello > "$T/first"
	as b wait pipe < "$T/first" > "$T/heard" 2>&1 &
	wait_for 5 waits
}
# its sipd has been handed what the wait has open
waits() {
	for p in $(pidof sipd); do
		readlink "/proc/$p/fd/"*
	done | grep -q "^$T/heard"
}

# the byte, which sipd writes, and the event, which dial writes: either may be
# the first
came() {
	grep -q '^[0-9]* hello' "$T/out" && grep -q '"event":"open"' "$T/out"
} 2> /dev/null
# session BEST: a calls b, who is ready, and opens a pipe; sets result, first,
# upgraded, local, remote. Ends when the path is as good as BEST, or patience
# ends.
session() {
	result= first= upgraded= local= remote=
	mkfifo "$T/in"
	( as a -j b pipe < "$T/in" 2> "$T/dial.said" | stamp > "$T/out" ) &
	dial=$!
	exec 3> "$T/in"
	end=$(($(ms) + LAB_PATIENCE * 1000))
	until came; do
		[ "$(ms)" -lt $end ] && kill -0 $dial 2> /dev/null || break
		sleep 0.02
	done
	if came; then
		session_figures
		session_wait "$1"
	fi
	exec 3>&-
	[ -n "$first" ] || as a hangup all > /dev/null 2>&1
	wait $dial
	rm -f "$T/in"
}
session_figures() {
	open=$(grep '"event":"open"' "$T/out")
	at_open=${open%% *}
	set -- $(for k in path secure; do echo "$open" | number $k; done)
	hello=$(grep ' hello' "$T/out")
	answer=$((at_open - $1 - $2))
	first=$((${hello%% *} - answer))
}
session_wait() {
	end=$(($(ms) + LAB_PATIENCE * 1000)) upgraded=$first
	while result=$(path_now); do
		[ "$(rank "$result")" -gt "$(rank "$1")" ] || break
		[ "$(ms)" -lt $end ] || break
		sleep 0.1
		upgraded=$(($(ms) - answer))
	done
	as a why b > "$T/a/why" 2>&1
	as b why a > "$T/b/why" 2>&1
	local=$(field local < "$T/now")
	remote=$(field remote < "$T/now")
	local=${local// /_} remote=${remote// /_}
}
