#!/bin/sh
# small.sh [BUILD]: many small files against one of their size, by turns, and
# beside it what this machine needs for the files alone.
#
#   dial ── loopback ── sipd        cp -r, tar | tar: no encryption, no sync
#
# From tmpfs to tmpfs, start of the command to its end. COUNT files of 1 KB;
# ROUNDS and WHO may be set.
. "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-10000} ROUNDS=${ROUNDS:-5} WHO=${WHO:-dial cp tar scp}

neighbours file < /dev/null
start bob
ip netns attach far $$        # this one
. "$BENCH/sshd.sh"
far_sshd 127.0.0.1
wait_for 10 ssh -F ssh/config root@127.0.0.1 true || die "no ssh"

head -c "$((COUNT * 1024))" /dev/urandom > one
mkdir -p many bob/inbox in
(cd many && split -b 1024 -a 4 ../one)

by_dial() { as alice bob send "$1"; }
by_cp() { cp -r "$1" in/; }
by_tar() { tar c "$1" | tar x -C in; }
by_scp() { scp -qr -F ssh/config "$1" root@127.0.0.1:"$T/in/"; }

# measure WHO WHAT: ms, into WHO.WHAT
measure() {
	t0=$(now)
	by_"$1" "$2" > said 2>&1 || die "$1 failed: $(cat said)"
	t1=$(now)
	got=in
	[ "$1" != dial ] || got=bob/inbox
	diff -r "$2" "$got/$2" > said || die "$1: they differ"
	rm -r "${got:?}/$2"
	awk -v ns=$((t1 - t0)) 'BEGIN { print ns / 1e6 }' >> "$1.$2"
}

i=0
while [ $i -le "$ROUNDS" ]; do
	for who in $WHO; do
		for what in one many; do measure $who $what; done
	done
	[ $i != 0 ] || rm ./*.one ./*.many      # to warm up
	i=$((i + 1))
done

median() { spread 1 < "$1" | cut -d' ' -f2; }
echo "$COUNT files of 1 KB beside one of $((COUNT / 1000 * 1024 / 1000)) MB," \
	"ms min/median/max of $ROUNDS rounds:"
for who in $WHO; do
	one=$(median $who.one) many=$(median $who.many)
	r=$(awk "BEGIN { printf \"%.1f\", $many / $one }")
	printf '  %-5s one %6s %6s %6s  many %6s %6s %6s  %5s times\n' $who \
		$(spread 1 < $who.one) $(spread 1 < $who.many) "$r"
	[ $who != dial ] || dial=$r
done
target "3 times: $dial" "$dial <= 3"
