#!/bin/sh
# vpncrowd.sh: COUNT callers, each on a host of its own with a key of its own,
# in one network of one concentrator.
#
#   c1 10.1.0.1 ─┐
#   c2 10.1.0.2 ─┼─ bridge ─ 10.1.255.254 hub, [vpn office] 10.7.0.1/16, fd07::1
#   ...         ─┘
. "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-200}
ulimit -n 16384 2>/dev/null
callers=$(seq "$COUNT")

outer() { echo "10.1.$(($1 / 250)).$(($1 % 250 + 1))"; }
network() {
	{ echo "link add br0 type bridge"
	  echo "link set br0 addrgenmode none"  # nothing that comes later
	  echo "link set br0 up"
	  echo "addr add 10.1.255.254/16 dev br0"
	  for i in $callers; do
		echo "netns add c$i"
		echo "link add c$i type veth peer name eth0 netns c$i"
		echo "link set c$i addrgenmode none"
		echo "link set c$i master br0 up"
	  done; } | ip -batch - || return 1
	for i in $callers; do
		printf '%s\n' "link set lo up" "link set eth0 up" \
			"addr add $(outer "$i")/16 dev eth0" |
			ip -n "c$i" -batch - || return 1
	done
}
check "$COUNT hosts" network

fh=$(key hub)
{ echo "sessions = 1000"
  echo "rate = 100000"
  for i in $callers; do
	echo "[peer c$i]"
	echo "fingerprint = $(key "c$i")"
	echo "allow = vpn office"
	conf "c$i" <<-EOT
	port = 5060
	[peer hub]
	address = sip:10.1.255.254
	fingerprint = $fh
	EOT
  done
  echo "[vpn office]"
  echo "address = 10.7.0.1/16, fd07::1/64"
  echo "interface = office0"
  echo "peer-to-peer = yes"
} | conf hub
check "the hub starts" start hub

snapshot() { ip -o addr; ip route; ip -6 route; }
fds() { find "/proc/$pid_hub/fd" -type l | wc -l; }
snapshot > "$T/before"
fds_before=$(fds)

pids=
call_all() {
	for i in $callers; do
		ip netns exec "c$i" dial -c "$T/c$i/sipd.conf" hub vpn \
			office < /dev/null > "$T/c$i/said" 2>&1 &
		pids="$pids $!"
	done
	for i in $callers; do
		wait_for 60 grep -q "we are" "$T/c$i/said" || {
			echo "c$i:"; cat "$T/c$i/said"; return 1; }
	done
}
check "all of them call at once" call_all
sed -n 's|.*we are \([0-9.]*\)/16,\([0-9a-f:]*\)/64.*|\1 \2|p' \
	"$T"/c*/said > "$T/addresses"
check "each has an address of both families of its own" sh -c \
	"[ \$(tr ' ' '\n' < '$T/addresses' | sort -u | wc -l) = $((2 * COUNT)) ]"

ping_all() {
	while read -r four six; do
		ping -q -c 1 -W 5 "$four" && ping -q -c 1 -W 5 "$six" ||
			return 1
	done < "$T/addresses"
}
check "the hub reaches each of them, IPv4 and IPv6" ping_all
# from each to the one before, by the hub
ring() {
	for i in $callers; do
		now=$(sed -n 's|.*we are \([0-9.]*\)/16.*|\1|p' "$T/c$i/said")
		ip netns exec "c$i" ping -q -c 1 -W 5 "${before:-10.7.0.1}" ||
			return 1
		before=$now
	done
}
check "each reaches another" ring
check "the hub counts them" sh -c \
	"[ \$(dial -c $T/hub/sipd.conf list | grep -c office0) = $COUNT ]"
rss=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid_hub/status")
echo "the hub with $COUNT callers: $rss KB"

# half of them go as they should, the others lose their process
leave() {
	n=0
	for p in $pids; do
		n=$((n + 1))
		[ $((n % 2)) = 0 ] && sig=INT || sig=KILL
		kill -$sig "$p"
	done
	for p in $pids; do wait "$p" 2> /dev/null; done
	:
}
leave
check "the hub has none left" wait_for 45 sh -c \
	"dial -c $T/hub/sipd.conf list | grep -c office0 | grep -qx 0"
settled() { snapshot > "$T/now"; diff "$T/before" "$T/now"; }
check "the interface is gone" wait_for 5 settled
fewer() { [ "$(fds)" -le "$fds_before" ]; }
check "no descriptor is left" wait_for 5 fewer
check "the hub ends well" stop hub
finish
