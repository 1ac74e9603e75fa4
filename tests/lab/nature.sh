#!/bin/bash
# nature.sh BUILD: is the network LAB_SITE what it is called? Asked by coturn's
# RFC 5780 client. Prints "SITE as it should be" or what is wrong, and fails.
. "$(dirname "$0")/../lab/lib.sh"

# expected SITE: mapping and filtering by RFC 4787
expected() {
	case $1 in
	cone) echo EI EI ;;
	addr) echo EI A ;;
	port|linux|tiny|rst|cgn) echo EI AP ;;
	random|fully|seq|sym) echo AP AP ;;
	esac
}
# said WHAT: the short name of the verdict in its output
said() {
	grep "^NAT with.* $1" "$T/found" | sed 's/NAT with //
	    s/Endpoint Independent/EI/; s/Address and Port Dependent/AP/
	    s/Address Dependent/A/; s/ .*//'
}
world && "site_$LAB_SITE" a 1 || exit 1
at a timeout 30 turnutils_natdiscovery -m -f 198.51.100.10 > "$T/found" 2>&1
got="$(said Mapping) $(said Filtering)"
[ "$got" = "$(expected "$LAB_SITE")" ] && echo "$LAB_SITE as it should be" && exit
echo "$LAB_SITE: $got instead of $(expected "$LAB_SITE")"
exit 1
