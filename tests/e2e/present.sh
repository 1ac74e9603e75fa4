#!/bin/sh
# present.sh: `dial status` says where things are now: a direct call, and
# where one is reached, after each side has got another address.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

network() {
	bridge br0
	host alice 10.1.0.2/24
	host bob 10.1.0.3/24
}
check "the network" network
fa=$(key alice) fb=$(key bob)
conf alice <<EOT
port = 5066
[peer bob]
address = sip:10.1.0.3:5066
fingerprint = $fb
EOT
conf bob <<EOT
port = 5066
[peer alice]
fingerprint = $fa
allow = pipe
[pipe]
command = cat
EOT
check "bob starts" launch bob
check "alice starts" launch alice
mkfifo words
at alice dial -c alice/sipd.conf bob pipe < words > echo.out 2>&1 &
exec 3> words

# shows NAME OWN OTHER: where it is reached, and where the session goes, to an
# address that the other has told or, a moment sooner, was seen to have
shows() {
	by "$1" status > status.out
	by "$1" -j status > status.json
	cat status.out status.json
	grep "^account .*@$2:5066)" status.out &&
		grep "^session .* \(host\|prflx\) $3:" status.out &&
		grep "\"reached_at\":\"sip:[a-z]*@$2:5066\"" status.json &&
		grep "\"local\":\"host $2:.*\"remote\":\"\(host\|prflx\) $3:" \
		    status.json
}
# moves NAME OLD NEW
moves() {
	at "$1" ip addr add "$3/24" dev eth0 &&
		at "$1" sysctl -qw net.ipv4.conf.all.promote_secondaries=1 &&
		at "$1" ip addr del "$2/24" dev eth0
}
both() { shows alice "$1" "$2" && shows bob "$2" "$1"; }
check "a session" wait_for 10 both 10.1.0.2 10.1.0.3
check "alice moves" moves alice 10.1.0.2 10.1.0.22
check "both say where she is" wait_for 15 both 10.1.0.22 10.1.0.3
check "bob moves" moves bob 10.1.0.3 10.1.0.33
check "both say where he is" wait_for 15 both 10.1.0.22 10.1.0.33
echo still here >&3
check "it is the same session" wait_for 10 grep "still here" echo.out
exec 3>&-
check "alice ends well" stop alice
check "bob ends well" stop bob
finish
