# theory.sh: the best that a pair of networks allows, and why.
#
# theory A B prints "RESULT REASON". RESULT is one of
#   direct    at once by UDP            predict  by guessing the next port
#   guess     by guessing many ports    tcp      by TCP
#   tls       by TCP to port 443        relayed  not without a relay
#
# UDP, by mapping and filtering (RFC 4787; RFC 5128 section 3): two that keep
# their port meet. One that does not (hard) is let in where the filter does
# not ask for the port. Where it does, the other's next port must be known
# (sequential) or found by trying (random: 256 open ports are met by 1024
# tries with 98 %). Two random ones would need 54,000 tries for an even chance.
# Sourced; no state.

# by_udp KIND: keeps its port and: lets in all (open), by address (addr), by
# port (port); or changes it by one (seq) or at random (hard); or none
by_udp() {
	case $1 in
	open|cone) echo open ;;
	addr) echo addr ;;
	fw|port|linux|tiny|rst|cgn|nat64|two) echo port ;;
	seq) echo seq ;;
	random|fully|sym|dual) echo hard ;;
	noudp|web) echo none ;;
	esac
}
# by_tcp KIND: the same, for TCP (RFC 5382, RFC 6544); only: out to 443 alone
by_tcp() {
	case $1 in
	noudp) echo port ;;
	web) echo only ;;
	*) by_udp "$1" ;;
	esac
}
has_six() { case $1 in dual|nat64) return 0 ;; esac; return 1; }

theory() {
	case "$1 $2" in
	"one home") echo "direct both are in one home"; return ;;
	"one cgn") echo "relayed one provider, whose NAT does not turn" \
	    "packets round"; return ;;
	"one hairpin") echo "direct one provider, whose NAT turns packets" \
	    "round"; return ;;
	"upnp "*) echo "direct the router maps a port for who asks"; return ;;
	esac
	x=$(by_udp "$1") y=$(by_udp "$2")
	if has_six "$1" && has_six "$2"; then
		echo "direct both have IPv6 behind firewalls that remember"
		return
	fi
	case "$x $y" in
	*none*) theory_tcp "$1" "$2" ;;
	hard\ open|hard\ addr|seq\ open|seq\ addr|open\ hard|addr\ hard|\
	open\ seq|addr\ seq)
		echo "direct one keeps its port and does not ask for the other's"
		;;
	seq\ port|port\ seq) echo "predict the next port is known" ;;
	seq\ seq) echo "predict both next ports are known" ;;
	hard\ port|port\ hard) echo "guess one of 256 ports is soon met" ;;
	*hard*) echo "relayed two change their ports, one at random" ;;
	*) echo "direct both keep their ports" ;;
	esac
}
theory_tcp() {
	x=$(by_tcp "$1") y=$(by_tcp "$2")
	case "$x $y" in
	only\ only) echo "relayed both may only go out, to 443" ;;
	only\ open|only\ addr|open\ only|addr\ only)
		echo "tls one may only go out to 443, the other can listen there"
		;;
	*only*) echo "relayed one may only go out to 443, where the other hears" \
	    "nothing" ;;
	hard\ open|hard\ addr|seq\ open|seq\ addr|open\ hard|addr\ hard|\
	open\ seq|addr\ seq)
		echo "tcp no UDP; one can be connected to" ;;
	*hard*|*seq*) echo "relayed no UDP, and TCP ports are not guessed" ;;
	*) echo "tcp no UDP, but both keep their ports" ;;
	esac
}
# rank RESULT: less is better; what a user notices
rank() {
	case $1 in
	direct|guess|predict) echo 1 ;;
	tcp|tls) echo 2 ;;
	relayed) echo 3 ;;
	*) echo 4 ;;
	esac
}
