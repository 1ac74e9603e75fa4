#!/bin/sh
# words.sh: dial's help, its man page and the shells' completions say the same,
# for all are made of one table, or must follow it.
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$E2E_SELF")/../.." && pwd)

dial help > "$T/help" || exit 1
tunnels=$(sed -n 's/^  dial PEER \([a-z]*\).*/\1/p' "$T/help")
commands=$(sed -n 's/^  dial \([a-z]*\).*/\1/p' "$T/help")
check "there are some" test "$(echo $tunnels $commands | wc -w)" -gt 10
mkdir -p "$HOME/.config/dialtone"
printf '[peer bob]\n[peer carol]\n' > "$HOME/.config/dialtone/sipd.conf"
for shell in bash zsh fish; do
	dial completion $shell > "$T/$shell" || exit 1
done

# what a shell offers after these words; the last may be ''
in_bash() {
	bash -c '. "$0"; COMP_WORDS=(dial "$@"); COMP_CWORD=$#
	    _dial; printf "%s\n" "${COMPREPLY[@]}"' "$T/bash" "$@"
}
in_zsh() {
	zsh -fc 'file=$1; shift; words=(dial "$@"); CURRENT=${#words}
	    compadd() { shift; print -l -- "$@" }
	    _files() { : }
	    . $file' zsh "$T/zsh" "$@"
}
in_fish() {
	fish --no-config -c 'source $argv[1]
	    complete -C "dial $argv[2..-1]"' "$T/fish" "$@" | cut -f1
}
# offers SHELL WORD... -- WANTED...: each of them is offered
offers() {
	shell=$1 said=; shift
	while [ "$1" != -- ]; do said="$said '$1'"; shift; done
	shift
	eval "in_$shell $said" > "$T/offered"
	for want; do
		grep -qx -e "$want" "$T/offered" || {
			echo "$shell does not offer $want"; return 1; }
	done
}
for shell in bash zsh fish; do
	check "$shell: commands" offers $shell '' -- $commands
	check "$shell: peers" offers $shell '' -- bob carol
	check "$shell: tunnels" offers $shell bob '' -- $tunnels
	check "$shell: a tunnel's words" offers $shell bob forward - -- -L -R -D -W
	check "$shell: a command's words" offers $shell wait '' -- pipe file
	check "$shell: after an option" offers $shell -c x bob '' -- $tunnels
done

for c in $commands; do
	check "dial.1: $c" grep -qE "^\.It Cm $c( |\$)" "$root/etc/dial.1"
done
for t in $tunnels; do
	check "dial.1: peer $t" grep -qE "^\.It Ar peer Cm $t( |\$)" \
	    "$root/etc/dial.1"
done
check "no such option" fails_with 2 "There is no option -x; see" dial -x
check "no such long option" fails_with 2 "There is no option --bogus" \
    dial --bogus
check "an option without its value" fails_with 2 "c needs a file" dial -c
check "--json of a wrong option" sh -c "dial -j -x | grep -q '\"exit\":2}'"
printf '[sipd]\ncontrol = %s\n' "$T/none" > "$T/none.conf"
check "no sipd" fails_with 1 "/none): start \`sipd\`, or name" \
    dial -c "$T/none.conf" status
check "whose key" fails_with 2 "dial trust PEER --explain" \
    dial trust --explain
check "said once" fails_with 1 "that the port is right." \
    dial -c "$T/none.conf" sip:127.0.0.1:9 pipe
check "and not again" sh -c "! grep -F '(' '$T/fw.out'"
check "another shell" fails_with 2 "bash, zsh and fish" dial completion csh
finish
