#!/bin/sh
# powercut.sh: the power of bob's machine is cut: his disk, an ext4 by itself,
# stops where it is without writing down what it still has in memory (as
# fstests do it), and his sipd is killed. After the journal is read again:
#
#   alice had exit 0     all of it is there
#   she had not          a name is whole or not there, and the next send ends it
#
# What any other file system could leave: unit/tunnels/powercut.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
in=$T/disk/inbox

neighbours file <<EOT
[file]
inbox = $in
EOT
mkdir disk
disk_on() {
	loop=$(losetup -f --show disk.img) || return
	mount -t ext4 "$loop" disk
	code=$?
	losetup -d "$loop"              # when it is not used any more
	return $code
}
cut_off() {     # EXT4_IOC_SHUTDOWN, without a flush of the journal
	perl -e 'open F, "<", $ARGV[0] or die; $f = pack "L", 2;
	    ioctl F, 0x8004587d, $f or die "$!"' "${1:-disk}"
}
make_disk() {
	truncate -s 160M disk.img && mkfs.ext4 -q -F disk.img && disk_on &&
	    cut_off && umount disk && disk_on
}
if ! make_disk > disk.out 2>&1; then
	echo "skipped: no ext4 on a loop device: $(tail -1 disk.out)"
	finish
fi
trap 'cd /; umount -l "$in/inner" "$T/disk" 2> /dev/null; rm -rf "$T"' EXIT

power_lost() { cut_off; crash bob; umount disk; disk_on; }
power_on() { start bob; }
like() { diff -r --no-dereference "$1" "$in/$1"; }
# nothing that has a name is other than what was sent
no_wrong() {
	[ -d "$in" ] || return 0
	(cd "$in" && find . -type f ! -name '.*' ! -path '*/.dialtone-*') |
	    while read -r f; do
		cmp "$T/$f" "$f" || return 1
	done
}

# --- all is there when alice knows it
mkdir -p one/two/three few many/a/b
echo 1 > one/two/three/file
for i in 1 2 3; do echo $i > few/$i; done
ln -s 1 few/link
head -c 3000000 /dev/urandom > few/large
head -c 300000 /dev/urandom | (cd many/a && split -b 1000 -a 3)
head -c 2000000 /dev/urandom > many/a/b/large
echo single > note
check "bob starts" power_on
for tree in note one few many; do
	check "$tree is sent" as alice bob send $tree
	check "the power is cut at once" power_lost
	check "$tree is there" like $tree
	check "bob is back" power_on
done
check "all that was there before is there" sh -c \
    "for w in note one few many; do diff -r --no-dereference \$w $in/\$w ||
    exit 1; done"

# --- another disk inside the inbox: it loses its power, too
make_inner() {
	mkdir -p "$in/inner" && truncate -s 60M inner.img &&
	    mkfs.ext4 -q -F inner.img && inner_on
}
inner_on() {
	loop2=$(losetup -f --show inner.img) &&
	    mount -t ext4 "$loop2" "$in/inner" && losetup -d "$loop2"
}
inner_lost() {
	(cd "$in/inner" && cut_off .) && umount "$in/inner" && inner_on
}
check "another disk is inside the inbox" make_inner
mkdir -p inner/new
for d in inner inner/new; do
	for i in 1 2 3 4 5 6; do echo $d $i > $d/$i; done
	head -c 200000 /dev/urandom > $d/large
done
check "many files for it are sent" as alice bob send inner
check "its power is cut at once" inner_lost
check "they are there" sh -c "rmdir $in/inner/lost+found; diff -r inner $in/inner"
echo one > inner/one
check "a single one" as alice bob send inner
check "its power is cut" inner_lost
check "it is there" like inner
check "that disk is taken out" umount "$in/inner"

# --- in the middle, over and over: at each step more of it has come
check "the network is slow" tc qdisc add dev lo root tbf rate 400mbit \
    burst 1m latency 50ms
mkdir -p tree/sub
head -c 400000 /dev/urandom | (cd tree/sub && split -b 2000 -a 3)
head -c 24000000 /dev/urandom > tree/big
head -c 6000000 /dev/urandom > tree/sub/big
echo last > tree/zz
has() { [ "$(du -sk "$in/tree" 2>/dev/null | cut -f1)" -ge "$1" ]; }
for kb in 1 300 2000 5000 7000 9000 13000 20000 26000 29000; do
	behind alice cut.out bob send tree
	wait_for 5 has $kb
	check "the power is cut after $kb KB" power_lost
	kill -INT $behind 2> /dev/null  # it may have heard of the disk
	wait $behind && check "it was all" like tree
	check "no wrong file is there" no_wrong
	check "bob is back" power_on
done
check "the network is fast" tc qdisc del dev lo root
check "the rest is sent" as alice bob send tree
check "it is the same" like tree
check "nothing else is left" sh -c \
    "! find $in -name '*dialtone*' | grep ."
check "bob ends well" stop bob
finish
