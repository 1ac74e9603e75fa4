# nice.sh: the same pair through libnice. Sourced by cell.sh.

# server_for HOST NAME: libnice wants addresses
server_for() {
	if [ -e "$T/$1.hosts" ]; then echo 2001:db8:5::10
	else echo 198.51.100.10; fi
}
nice_pair() {
	at b "$LAB_BIN/nicepeer" answer "$T" "$(server_for b)" \
	    "$(server_for b)" > "$T/nice.b" 2>&1 &
	nice_b=$!
	said=$(at a "$LAB_BIN/nicepeer" offer "$T" "$(server_for a)" \
	    "$(server_for a)" 2> "$T/nice.a")
	kill $nice_b 2> /dev/null
	wait $nice_b 2> /dev/null
	echo "$LAB_A $LAB_B nice ${said:-failed - - - -}"
}
