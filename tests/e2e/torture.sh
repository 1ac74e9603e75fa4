#!/bin/sh
# torture.sh: the 49 messages of RFC 4475 and those of RFC 5118, by UDP and
# TCP, to a user agent and to the meeting point: each gets the answer that
# the RFC wants, or none where it says so; a good call works afterwards.
# torture/compare.sh compares them with the RFCs.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$T" || exit 1

fa=$(key alice)
for n in uaudp:5060 uatcp:5062; do
	conf ${n%:*} <<-EOT
	port = ${n#*:}
	[peer alice]
	fingerprint = $fa
	allow = pipe
	[pipe]
	command = cat
	EOT
done
cat > users <<'EOT'
user:secret
watson:secret
j.user:secret
null-%00-null:secret
EOT
chmod 600 users
for n in meetudp:5070 meettcp:5072; do
	conf ${n%:*} <<-EOT
	port = 0
	[registrar]
	listen = udp:127.0.0.1:${n#*:}, tcp:127.0.0.1:${n#*:}
	domain = example.com
	users-file = $T/users
	EOT
done
for n in uaudp uatcp meetudp meettcp; do
	check "$n starts" start $n
done
grep -v '^#' "$here/torture/wanted" > wanted
# transport, port, name, column of what is wanted
for n in udp:5060:ua:2 tcp:5062:ua:3 udp:5070:meet:4 tcp:5072:meet:5; do
	p=${n%%:*} to=${n#*:} column=${n##*:}
	to=${to%:*}
	cut -d' ' -f1,"$column" wanted |
	    perl "$here/torture/send.pl" "$p" "${to%:*}" "$here/torture" \
	    > "got.${to#*:}.$p" 2>&1 &
	eval "send_$p${to#*:}=$!"
done
# shellcheck disable=SC2154
for n in $send_udpua $send_tcpua $send_tcpmeet $send_udpmeet; do
	check "all are sent" wait "$n"
done

# got WHERE NAME WANT: the answer it got there
got() {
	a=$(sed -n "s|^$2 ||p" "got.$1")
	echo "$2 got $a instead of $3"
	[ "$a" = "$3" ]
}
while read -r name uu ut mu mt why; do
	check "$name by UDP: $why" got ua.udp "$name" "$uu"
	check "$name by TCP: $why" got ua.tcp "$name" "$ut"
	check "$name by UDP to the meeting point: $why" \
	    got meet.udp "$name" "$mu"
	check "$name by TCP to the meeting point: $why" \
	    got meet.tcp "$name" "$mt"
done < wanted
check "all of RFC 4475 and RFC 5118 were sent" test "$(wc -l < wanted)" = 62

# --- REGISTER with a password: what is kept is what was said
# kept NAME WANT: its second answer, and the Contacts that are there then
kept() {
	a=$(perl "$here/torture/register.pl" 5072 secret \
	    "$here/torture/rfc4475/$1.dat")
	echo "$a"
	[ "$a" = "rfc4475/$1.dat $2" ]
}
check "octets after the message are none" \
    kept dblreq "200 <sip:j.user@host.example.com>"
check "two users with escaped NULs are two" \
    kept escnull "200 <sip:%00%00@host5.example.com> <sip:%00@host5.example.com>"
check "an unknown scheme is asked again" kept regaut01 "200"
check "a parameter of the header is not the URI's" \
    kept cparam01 "200 <sip:+19725552222@gw1.example.net>"
check "a parameter of the URI stays" \
    kept cparam02 "200 <sip:+19725552222@gw1.example.net;unknownparam>"
check "a header in the URI stays" kept regescrt \
    "200 <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"
check "the same without <> is understood" kept regbadct \
    "200 <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"

conf alice <<EOT
port = 0
[peer udp]
address = sip:127.0.0.1:5060
fingerprint = $(as uaudp identity)
[peer tcp]
address = sip:127.0.0.1:5062
fingerprint = $(as uatcp identity)
EOT
works() { [ "$(echo hello | as alice "$1" pipe)" = hello ]; }
check "a good call works" works udp
check "a good call works" works tcp
for n in uaudp uatcp meetudp meettcp; do
	check "$n ends well" stop $n
done
finish
