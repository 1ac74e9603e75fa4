# load.sh: the calls of soak.sh. Each function is one call of a kind, WORKER
# NUMBER, and notes what came of it:
#
#   ok KIND      what arrived is what was sent
#   told TEXT    it failed, and said why
#   BAD TEXT     lost, wrong, hung, or failed without a word
#
# Dice are thrown by `draw` and `roll`, in the worker's own shell: a subshell
# would have a RANDOM of its own.
PATIENCE=150    # seconds after which a dial hangs; 20 once interrupted

note() { echo "$(date +%T) $*" >> "$T/notes"; }
# draw VAR WORD...: one of them
draw() { eval "$1=\${@:$((RANDOM % ($# - 1) + 2)):1}"; }
# roll VAR N: 0 to N - 1
roll() { eval "$1=$((RANDOM % $2))"; }
other() { [ "$1" = a ] && echo b || echo a; }
# sides WORD...: who calls whom, unless that is fixed
fixed=
sides() {
	if [ -n "$fixed" ]; then
		from=${fixed% *}
	else
		draw from "$@"
	fi
	to=$(other "$from")
}
nap() { roll tenths 10; sleep 0.$tenths; }

# told CODE FILE WHAT: did the dial that failed say why?
told() {
	if [ "$1" = 124 ] || [ "$1" = 137 ]; then
		note "BAD $3: a dial hangs: $(tail -1 "$2")"
	elif grep -q 'follow the protocol' "$2"; then
		note "BAD $3: $(tail -1 "$2")"
	elif grep -qE '^dial: .|ended|vanished|declined|gone' "$2"; then
		note "told $3: $(tail -1 "$2")"
	else
		note "BAD $3: exit $1 without a word: $(tail -1 "$2")"
	fi
}
# dialing NAME OUT WORDS...: bounded in time
dialing() {
	n=$1 o=$2
	shift 2
	ip netns exec "$n" timeout -k 20 $PATIENCE dial -c "$T/$n/sipd.conf" \
	    "$@" > "$o" 2>&1 < /dev/null
}
# hang_up NAME WORDS...: interrupts the dial of these words
hang_up() { pkill -INT -of "dial -c $T/$1/sipd.conf ${*:2}"; }
random() { head -c "$1" /dev/urandom > "$2"; }
sum() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum |
    sha256sum); }

something() {   # PATH: a file or a tree, small, large or empty
	roll kind 8
	size=$((RANDOM * 20))
	case $kind in
	0) mkdir "$1"; for i in {1..9}; do random $((RANDOM * i)) "$1/$i"; done
		return ;;
	1) size=0 ;;
	2) size=$((RANDOM * 1000)) ;;
	esac
	random "$size" "$1"
}
# did it arrive? KIND CODE NAME FOLDER SOURCE WORKER
arrived() {
	got=$T/arrived.$6
	rm -rf "$got"
	mkdir "$got"
	[ "$2" = 0 ] || [ -f "$5/$3" ] || return
	mv "$4/$3" "$got" 2> /dev/null
	if [ ! -e "$got/$3" ]; then
		[ "$2" != 0 ] || note "BAD $1: $3 is lost"
	elif [ "$(sum "$got")" != "$(sum "$5")" ]; then
		note "BAD $1: $3 is not what was sent"
	elif [ "$2" = 0 ]; then
		note "ok $1"
	fi
}
# same KIND CODE FILE WHAT A B: it ended so; is what came what was sent?
same() {
	if [ "$2" != 0 ]; then
		told "$2" "$3" "$4"
	elif cmp "$5" "$6" > "$3" 2>&1; then
		note "ok $1"
	else
		note "BAD $1: $(cat "$3")"
	fi
}
# tried three times: where it stopped it goes on
send() {
	sides a b
	name=f.$1.$2 out=$T/send.$1.said src=$T/src.$1
	rm -rf "$src"
	mkdir "$src"
	something "$src/$name"
	for try in 1 2 3; do
		dialing "$from" "$out" "$to" send "$src/$name"
		code=$?
		[ $code != 0 ] || break
		told $code "$out" "send from $from"
		roll secs 4
		sleep $secs
	done
	arrived send $code "$name" "$T/$to/inbox" "$src" "$1"
	rm -rf "$T/$to/inbox/$name" "$T/$to"/inbox/."$name"*
}
get() {
	sides a b
	out=$T/get.$1.said
	rm -rf "$T/got.$from/$1"
	dialing "$from" "$out" "$to" get --into "$T/got.$from/$1" page
	same get $? "$out" "get from $to" "$T/got.$from/$1/page" \
	    "$T/$to/share/page"
}
# page KIND URL: is it b's, or whose share is SIDE's? KIND URL FROM SIDE
page() {
	ip netns exec "$3" curl -sf -m 20 "$2" > "$T/page.$1"
	code=$?
	if [ $code != 0 ]; then
		note "told $1: curl $code"
	elif cmp "$T/page.$1" "$T/$4/share/page" > /dev/null; then
		note "ok $1"
	else
		note "BAD $1: another page"
	fi
}
# while it runs, for at most N rounds: until OUT says TEXT wait, then COMMAND
while_open() {  # CALL N OUT TEXT COMMAND...
	for i in $(seq "$2"); do
		if grep -q "$4" "$3"; then
			"${@:5}"
			nap
		else
			sleep 1
		fi
		kill -0 "$1" 2> /dev/null || break
	done
}
closes() {      # CALL OUT WHAT
	wait "$1"
	code=$?
	[ $code = 0 ] || [ $code = 130 ] || told $code "$2" "$3"
}
forward() {
	port=$((9000 + $1)) out=$T/forward.$1.said
	: > "$out"
	dialing a "$out" b forward $port:127.0.0.1:8000 &
	call=$!
	roll rounds 20
	while_open $call $((rounds + 3)) "$out" listening \
	    page forward "http://127.0.0.1:$port/page" a b
	hang_up a b forward $port:
	closes $call "$out" forward
}
vpn() {
	sides a a b
	out=$T/vpn.$1.said
	: > "$out"
	dialing "$from" "$out" "$to" vpn "of$to" &
	call=$!
	roll rounds 15
	while_open $call $((rounds + 3)) "$out" "we are" \
	    page vpn "http://10.7.$((0x$to)).1:8080/page" "$from" "$to"
	hang_up "$from" "$to" vpn
	closes $call "$out" vpn
}
pipe() {
	sides a b
	out=$T/pipe.$1.said
	random $((RANDOM * 50)) "$T/pipe.$1.in"
	ip netns exec "$from" timeout -k 20 $PATIENCE \
	    dial -c "$T/$from/sipd.conf" "$to" pipe < "$T/pipe.$1.in" \
	    > "$T/pipe.$1.out" 2> "$out"
	same pipe $? "$out" "pipe from $from" "$T/pipe.$1.in" "$T/pipe.$1.out"
}
# a dial that is killed while it sends
abort() {
	sides a b
	random 20000000 "$T/abort.$1"
	roll tenths 9
	( ip netns exec "$from" timeout -s KILL 0.$((tenths + 1)) \
	    dial -c "$T/$from/sipd.conf" "$to" send "$T/abort.$1"; : ) \
	    > /dev/null 2>&1
	rm -f "$T/$to"/inbox/*abort."$1"* "$T/$to"/inbox/.abort."$1"*
	roll secs 3
	sleep $secs
}
# a makes a code, c uses it, and is then let in with a file
paired() {
	out=$T/paired.$1.said code=$T/code.$1.said src=$T/src.$1
	rm -rf "$src"
	mkdir "$src"
	something "$src/g.$2"
	: > "$code"
	dialing a "$code" pair &
	call=$!
	if wait_for 10 grep -qxE '[a-z]+-[a-z]+-[0-9]{3}' "$code"; then
		dialing c "$out" pair \
		    "$(grep -m 1 -xE '[a-z]+-[a-z]+-[0-9]{3}' "$code")" a@lab
		exit=$?
		if [ $exit != 0 ]; then
			told $exit "$out" pair
		elif dialing c "$out" a@lab send "$src/g.$2"; then
			arrived paired 0 "g.$2" "$T/a/inbox" "$src" "$1"
		else
			told $? "$out" "send from c"
		fi
	fi
	hang_up a pair
	closes $call "$code" "pair at a"
	rm -rf "$T/a/inbox/g.$2" "$T"/a/inbox/."g.$2"*
	roll secs 8
	sleep $secs
}

# worker NUMBER KIND: until the file "on" is gone
worker() {
	RANDOM=$((SEED + $1))
	count=0
	while [ -e "$T/on" ]; do
		count=$((count + 1))
		"$2" "$1" $count
		nap
	done
}
# once KIND FROM TO: one call now, which must be well
once() {
	fixed="$2 $3"
	before=$(grep -c " ok $1" "$T/notes")
	"$1" 99 "$(date +%s%N)"
	fixed=
	[ "$(grep -c " ok $1" "$T/notes")" -gt "$before" ]
}
