#!/bin/bash
# check.sh: `dial check` behind networks of the laboratory (tests/lab), each of
# which is known for what it is. The public side is tests/lab/world.sh:
# coturn with two addresses, and a sipd as meeting point.
# How long it takes: checktime.sh.
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/../e2e/check/lib.sh"
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
check "the world" world

# finds SIDE WHAT VALUE: in the table
finds() {
	grep -E "^$2 +" "$T/$1.check"
	grep -qE "^$2 +$3( |$)" "$T/$1.check"
}
UDP=sip:meet.lab:5060
# network SITE SIDE N MAPPING FILTERING PORTS VERDICT
network() {
	check "$1" "site_$1" "$2" "$3"
	check "$1: checked" checked "$2" $UDP
	check "$1: UDP" finds "$2" udp yes
	check "$1: mapping" finds "$2" mapping "$4"
	check "$1: filtering" finds "$2" filtering "$5"
	[ -z "$6" ] || check "$1: ports" finds "$2" ports "$6"
	check "$1: verdict" finds "$2" verdict "$7"
}
ei=endpoint-independent ap="address and port-dependent"
network open a 1 none $ei "" open
network cone b 2 $ei $ei preserved easy
network addr c 3 $ei address-dependent preserved easy
network port d 4 $ei "$ap" random easy
network seq e 5 "$ap" "$ap" "in steps of 1" hard
relayed() {
	relays_conf >> "$T/e/sipd.conf"
	slow_dns e
	by e check > "$T/e.check"
}
check "with relays" relayed
# reached WAY: in the table, which is shown if not
reached() {
	grep -q "^relay .*turn.lab by $1, [0-9]* ms" e.check ||
	    { cat e.check; return 1; }
}
check "they are reached by UDP" reached UDP
check "and by TLS" reached TLS
network sym f 6 "$ap" "$ap" random hard
check "the name of the registrar" finds f dns yes
check "TLS on 443" finds f tls-443 yes
check "no router helps" finds f portmap none
check "no relay is named" finds f relay none
check "nobody rewrites SIP" finds f sip-alg no
check "no IPv6" finds f ipv6 no
check "no hairpin" finds f hairpin no

# a router that meddles, and IPv6 beside it
mixed() {
	home g 7 --map eim --filter apdf --alloc preserve --sip-alg good \
	    --hairpin ext --v6 fw && six g 7
}
check "a router with an ALG, and IPv6" mixed
check "it is checked" checked g $UDP
check "the ALG is seen" finds g sip-alg yes
check "what it changes" grep -q 'Via, Contact, body' g.check
check "hairpin" finds g hairpin yes
check "IPv6" finds g ipv6 yes
check "SIP by TLS is not touched" checked g "sip:meet.lab;transport=tls"
check "and nothing is said of it" finds g sip-alg "no matter"

# routers that soon forget, and the mapping that is found to be gone
short() { home "$1" "$2" --map "$3" --filter apdf --udp-timeout "$4"; }
lives() {
	by "$1" check --lifetime > "$T/$1.life" 2> "$T/$1.notes"
	cat "$T/$1.life" "$T/$1.notes"
	grep -qE "^lifetime +$2 " "$T/$1.life"
}
check "a router that forgets after 3 s" short h 10 eim 3
check "it is checked" checked h $UDP
check "its mappings live 2 to 4 s" lives h "2 to 4 s"
check "after all the rest" sh -c "tail -1 h.life | grep -q ^lifetime"
check "a note says how far it is" grep -q 'idle for 2 s lives' h.notes
check "a hard one, after 5 s" short j 11 apdm 5
check "it is checked" checked j $UDP
check "its mappings live 4 to 6 s" lives j "4 to 6 s"
check "also as JSON" sh -c "ip netns exec h dial -j -c h/sipd.conf check \
    --lifetime | grep -q '\"what\":\"lifetime\",\"value\":\"2 to 4 s\"'"

# UDP blocked, and by a running sipd, as JSON
check "no UDP" site_noudp i 9
check "it is checked" checked i "$UDP;transport=tcp"
check "UDP is blocked" finds i udp no
check "TLS is not" finds i tls-443 yes
check "that is the verdict" finds i verdict blocked
runs() {
	ip netns exec f sipd -v -c f/sipd.conf > f/log 2>&1 &
	pid_f=$!
	wait_for 10 as f status
}
check "a sipd" runs
check "checks the same" sh -c "dial -j -c f/sipd.conf check > f.json"
check "as JSON" grep -q '"what":"mapping","value":"address and port-dep' f.json
check "one line each" test "$(grep -c '"event":"check"' f.json)" -ge 10
check "and ends" grep -q '"exit":0' f.json
check "it stops" stop f
check "without STUN servers" sh -c "printf '[sipd]\nstate = %s\n' $T/f \
    > f/none.conf; ip netns exec f dial -c f/none.conf check > n.check"
check "that is said" grep -q '^verdict *unknown' n.check
finish
