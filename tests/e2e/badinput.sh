#!/bin/sh
# badinput.sh: whatever comes in is wrong, at every layer: each gets one
# sentence or one answer, nobody hangs, and a good call works afterwards.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
mkdir bad

neighbours "file, pipe" <<EOT
[pipe]
command = tr a-z A-Z
EOT
check "bob starts" start bob
check "alice starts" start alice
echo hello > hello
works() {
	rm -rf bob/inbox
	as alice bob send hello && cmp hello bob/inbox/hello &&
	[ "$(as alice bob pipe < hello)" = HELLO ]
}
check "a good call" works

# --- the configuration
# wrong SENTENCE: what `sipd -t` says to a [sipd] section with these lines
wrong() {
	{ echo '[sipd]'; cat; } > bad/c.conf
	chmod 600 bad/c.conf
	check "wrong configuration: $1" \
	    fails_with 1 "bad/c.conf:$1" timeout 10 sipd -t -c bad/c.conf
}
wrong "3: unknown key 'adress' in [peer bob]; did you mean 'address'?" <<EOT
[peer bob]
adress = sip:bob@127.0.0.1
EOT
wrong "2: unknown section [acount]; did you mean 'account'?" <<EOT
[acount]
EOT
wrong "2: 'port' in [sipd] must be a number" <<EOT
port = banana
EOT
wrong "3: a second 'port' in [sipd]" <<EOT
port = 1
port = 2
EOT
wrong "2: there is no 'key = value' in this line" <<EOT
state
EOT
wrong "2: there is no ']'" <<EOT
[sipd
EOT
wrong "3: 'fingerprint' in [peer a] must be 64 hexadecimal digits" <<EOT
[peer a]
fingerprint = 12:34
EOT
wrong "3: 'allow' in [peer a] has 'dance'" <<EOT
[peer a]
allow = dance
EOT
wrong "2: [account] has no address" <<EOT
[account]
password = x
EOT
wrong "2: [registrar] has no users-file" <<EOT
[registrar]
listen = udp:127.0.0.1:5060
EOT
wrong "4: 'tls-ca' in [account] names $T/nowhere" <<EOT
[account]
address = a@example.org
tls-ca = $T/nowhere
EOT
wrong "2: this line is longer than" <<EOT
state = /$(seq -s x 200)
EOT
wrong "2: there is a control character" <<EOT
state = $(printf '\001')
EOT
printf '[account]\naddress = a@b\npassword = x\n' > bad/open.conf
chmod 644 bad/open.conf
check "a password that everybody can read" \
    fails_with 1 "chmod 600" timeout 10 sipd -c bad/open.conf
check "no configuration of that name" \
    fails_with 1 "cannot be read: No such file" timeout 10 sipd -c bad/nowhere
check "a folder" fails_with 1 "is a folder" timeout 10 sipd -c bad
check "dial says the same" \
    fails_with 1 "bad/c.conf:2: there is a control" dial -c bad/c.conf list
check "a wrong option" fails_with 2 "usage:" timeout 10 sipd -x
check "words too many" fails_with 2 "usage:" timeout 10 sipd now
check "a good one" timeout 10 sipd -t -c bob/sipd.conf

# --- what is in use, and what cannot be made
check "a second sipd with this configuration" \
    fails_with 1 "Another sipd runs" timeout 10 sipd -c bob/sipd.conf
conf port <<EOT
port = 5060
EOT
check "the SIP port is in use" \
    fails_with 1 "Port 5060 is in use: another sipd" \
    timeout 10 sipd -c port/sipd.conf
socat -u UDP-RECV:5071 - > /dev/null &
wait_for 5 sh -c "ss -lun | grep -q ':5071 '"
conf natport <<EOT
port = 0
[nat]
port = 5071
EOT
check "the UDP port is in use" \
    fails_with 1 "Set another port= in [nat]" \
    timeout 10 sipd -c natport/sipd.conf
conf regport <<EOT
port = 0
[registrar]
listen = udp:127.0.0.1:5060
users-file = $T/users
EOT
echo a:b > users
chmod 600 users
check "the meeting point's port is in use" \
    fails_with 1 "127.0.0.1:5060" timeout 10 sipd -c regport/sipd.conf
echo nonsense > bad/users
chmod 600 bad/users
sed -i "s|udp:127.0.0.1:5060|udp:127.0.0.1:5072|; s|$T/users|$T/bad/users|" \
    regport/sipd.conf
check "its users make no sense" \
    fails_with 1 "bad/users:1" timeout 10 sipd -c regport/sipd.conf
printf '[sipd]\nstate = /dev/null/x\nport = 0\n' > bad/state.conf
check "no folder for the state" \
    fails_with 1 "Set state= in [sipd]" timeout 10 sipd -c bad/state.conf
mkdir bad/state
echo nonsense > bad/state/identity.pem
chmod 600 bad/state/identity.pem
printf '[sipd]\nstate = %s\nport = 0\n' "$T/bad/state" > bad/key.conf
check "a key that is none" \
    fails_with 1 "identity.pem cannot be used" timeout 10 sipd -c bad/key.conf
cp alice/identity.pem bad/state/identity.pem
chmod 644 bad/state/identity.pem
check "a key that others can read" fails_with 1 "chmod 600" \
    timeout 10 sipd -c bad/key.conf

# --- no configuration at all; the system's folders are this test's own
mount -t tmpfs tmpfs /var/lib
mkdir home
HOME=$T/home XDG_CONFIG_HOME=$T/home sipd > none.out 2>&1 &
p=$!
# its port is taken, and it says so: that it got there is what is shown
check "no configuration: the defaults hold" ends 1 $p
check "up to the port, which is bob's" grep -q "port= in \[sipd\]" none.out
check "root's key is where it belongs" test -s \
    /var/lib/dialtone/identity.pem
chmod 711 "$T"
chmod 777 home
user() {
	env HOME="$T/home" XDG_STATE_HOME= XDG_RUNTIME_DIR= XDG_CONFIG_HOME= \
	    setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
check "an ordinary user's key" user dial identity
check "is in his home" test -s home/.local/state/dialtone/identity.pem
check "he calls without a configuration, and is unknown" \
    fails_with 1 "not" user dial sip:127.0.0.1 send "$T/hello"

# --- servers that are not there, or not SIP servers
# server NAME STATUS-LINE: a script that answers each request with it
server() {
	cat > "server.$1" <<-EOT
	#!/bin/sh
	cr=\$(printf '\\r')
	while IFS= read -r l; do
		case \$l in
		Via:*|From:*|To:*|Call-ID:*|CSeq:*) h="\$h\$l
	" ;;
		"\$cr") printf '%s\\r\\n%sContent-Length: 0\\r\\n\\r\\n' \\
		    '$2' "\$h"; h= ;;
		esac
	done
	EOT
	chmod +x "server.$1"
}
server breaks "SIP/2.0 500 Out of order"
server forbids "SIP/2.0 403 Go away"
server asks-for-nothing "SIP/2.0 401 Unauthorized"
server is-of-the-web "HTTP/1.1 200 OK"
port=6000
# fares TEXT TRANSPORT [SOCAT-ADDRESS]: what the status of an account says
# whose server does this
fares() {
	port=$((port + 1))
	if [ $# = 3 ]; then
		socat "TCP-LISTEN:$port,fork,reuseaddr" "$3" 2> /dev/null &
		wait_for 5 sh -c "ss -ltn | grep -q ':$port '"
	fi
	account x y "sip:127.0.0.1:$port;transport=$2" | conf "x$port"
	start "x$port"
	check "$2, ${3:-nobody}: $1" wait_for 10 \
	    sh -c "dial -c x$port/sipd.conf status | grep 'failed: $1'"
	check "its account's call" fails_with 1 "dial: " \
	    as "x$port" sip:bob@demo.example send hello
	check "its sipd is well" stop "x$port"
}
fares "Out of order" tcp EXEC:./server.breaks
fares "Go away" tcp EXEC:./server.forbids
fares "" tcp EXEC:./server.asks-for-nothing
fares "what answers there does not speak SIP" tcp EXEC:./server.is-of-the-web
fares "what answers there does not" tcp "SYSTEM:head -c 100000 /dev/urandom"
fares "" tcp "SYSTEM:true"
fares "" tls "SYSTEM:head -c 10000 /dev/urandom"
fares "nothing answers" udp
fares "nothing answers" tcp
fares "nothing answers" tls
account x y "sip:192.0.2.1;transport=tcp" | conf noroute
start noroute
check "a server without a route" wait_for 5 \
    sh -c "dial -c noroute/sipd.conf status | grep 'failed: .*no route'"
stop noroute
account x y "sip:nowhere.invalid" | conf noname
start noname
check "a server without an address" wait_for 10 \
    sh -c "dial -c noname/sipd.conf status | grep 'failed: .*not known'"
stop noname

# --- a peer whose refusal calls itself a success
server lies 'SIP/2.0 480 Gone
Warning: 399 there "done: all of it"'
server lies-too 'SIP/2.0 480 Gone
Warning: 399 there "local-hangup"'
for n in lies lies-too; do
	port=$((port + 1))
	socat "TCP-LISTEN:$port,fork,reuseaddr" "EXEC:./server.$n" &
	wait_for 5 sh -c "ss -ltn | grep -q ':$port '"
	check "a peer that $n" fails_with 1 "before everything" \
	    as alice "sip:127.0.0.1:$port;transport=tcp" send hello
done

# --- files
chmod 600 hello
check "a file he may not read" fails_with 2 "Permission denied" \
    user dial sip:127.0.0.1 send "$T/hello"
chmod 644 hello
check "a device" fails_with 2 "neither a file nor a folder" \
    as alice bob send /dev/zero
mkdir full
mount -t tmpfs -o size=3m tmpfs full
conf bob <<EOT
port = 5060
[peer alice]
fingerprint = $fa
allow = file, pipe
[pipe]
command = tr a-z A-Z
[file]
inbox = $T/full
max-size = 50M
EOT
check "bob reloads" as bob reload
head -c 9000000 /dev/urandom > nine
check "a full disk, seen before" fails_with 1 "the disk there is full" \
    as alice bob send nine
mkdir many
head -c 5000000 /dev/urandom | split -a 3 -b 10000 - many/
check "a full disk, seen in the middle" \
    fails_with 1 "the disk there is full" as alice bob send many
rm -rf full/many
check "a file still finds room" as alice bob send hello
truncate -s 60M sixty
check "a file that is too large" \
    fails_with 1 "bob refused the tunnel. bob says: The file is too large" \
    as alice bob send sixty
umount full
rmdir full
echo > full
check "an inbox that is none" fails_with 1 "" as alice bob send hello
rm full
long=$(head -c 255 /dev/zero | tr '\0' n)
echo long > "$long"
check "a name as long as can be" as alice bob send "$long"
check "is kept" cmp "$long" "full/$long"
odd=$(printf 'a\nb\033[31m\377 "\\ .')
echo odd > "$odd"
check "an odd name" as alice bob send -- "$odd"
check "is kept too" cmp "$odd" "full/$odd"
echo minus > -minus
check "a name with a minus" as alice bob send -- -minus
check "and it" cmp ./-minus full/-minus
(
	mkdir deep
	cd deep || exit
	for i in $(seq 30); do
		mkdir "${long%nnnnn}$i"
		cd "${long%nnnnn}$i" || exit
	done
	echo deep > file
)
check "a tree deeper than names may be long" \
    fails_with 1 "" as alice bob send deep
rm -rf deep
check "bob is well" alive bob

# --- pipes
piped() {       # COMMAND CODE TEXT
	sed -i "s|^command = .*|command = $1|" bob/sipd.conf
	as bob reload
	dial -c alice/sipd.conf bob pipe < hello > piped.out 2>&1
	got=$?
	cat piped.out
	[ $got = "$2" ] && { [ $# = 2 ] || grep -qF -- "$3" piped.out; }
}
check "a command that fails" piped "exit 3" 1 "3"
check "a command that is none" piped "/nonexistent/x" 1 "not found there"
check "a command that kills itself" piped 'kill -9 $$' 1 "9"
check "one that does not read" piped "true" 0
sed -i "s|^command = .*|command = tr a-z A-Z|; s|^inbox = .*||" bob/sipd.conf
as bob reload

# --- too many
sed -i "3a per-peer = 1" bob/sipd.conf
as bob reload
mkfifo silent
sleep 100 > silent &
dial -c alice/sipd.conf -v bob pipe < silent > busy.out 2>&1 &
busy=$!
check "one session is open" wait_for 5 grep -q "connected to" busy.out
# alice's sipd would add to the session that it has: a sipd of its own
sed "s|^state = .*|&\ncontrol = $T/alice/none|; s|^port = .*|port = 0|" \
    alice/sipd.conf > alice/own.conf
chmod 600 alice/own.conf
check "one more is one too many" fails_with 1 "bob is busy" \
    dial -c alice/own.conf bob send hello
kill -INT $busy
check "the one ends" ends 130 $busy
sed -i "/per-peer/d" bob/sipd.conf
as bob reload

# --- the control socket
# told TEXT < BYTES: what it answers
# (a connection that ends has no more questions, so it stays until then)
told() {
	: > told.out
	{ cat; wait_for 5 grep -qF -- "$1" told.out; } |
	    timeout 10 socat -t1 - UNIX-CONNECT:bob/control > told.out
	cat told.out
	grep -qF -- "$1" told.out
}
no_json() { echo hello | told '"event":"error"'; }
no_command() { echo '{"cmd":"dance"}' | told 'no command \"dance\"'; }
no_string() { echo '{"cmd":7}' | told 'There is no command'; }
no_peer() { echo '{"cmd":"dial"}' | told 'A peer must be named'; }
no_tunnel() { echo '{"cmd":"dial","peer":"alice"}' | told 'No tunnel'; }
nested() { printf '%05000d\n' 0 | tr 0 '[' | told '"event":"error"'; }
long() { head -c 65536 /dev/zero | tr '\0' a | told "longer than"; }
huge() { head -c 3000000 /dev/zero | told "longer than"; alive bob; }
zeros() { { head -c 5000 /dev/zero; echo; } | told '"event":"error"'; }
half() { printf '{"cmd":"sta' | socat - UNIX-CONNECT:bob/control; }
two() { printf '{"cmd":"identity"}\n{"cmd":"list","tag":"b"}\n' | told '"b"'; }
check "control: no JSON" no_json
check "control: no command" no_command
check "control: a number for a command" no_string
check "control: no peer" no_peer
check "control: no tunnel" no_tunnel
check "control: very nested" nested
check "control: a long line" long
check "control: a huge one" huge
check "control: zeros" zeros
check "control: half a line" half
check "control: two lines at once" two
mkfifo held
exec 7<> held
for i in $(seq 80); do
	socat - UNIX-CONNECT:bob/control < held > /dev/null 2>&1 7>&- &
done
check "control: 80 at once are some too many" wait_for 5 \
    fails_with 1 "Too many connections" as bob status
exec 7>&-
check "until they have gone" wait_for 10 alive bob
check "it is bob's alone" sh -c "stat -c %a bob/control | grep -qx 600"
cp bob/sipd.conf bad/bob.conf
chmod 644 bad/bob.conf
chmod 711 bob
check "somebody else may not" fails_with 1 "another user" \
    user dial -c bad/bob.conf status

# --- nobody answers, and nobody waits without a word
conf none <<EOT
port = 0
EOT
dial -c none/sipd.conf sip:127.0.0.1:5071 pipe < /dev/null > calls.out 2>&1 &
calls=$!
check "what is waited for is told" wait_for 5 \
    grep -qx "calling sip:127.0.0.1:5071, which has not answered yet ..." \
    calls.out
kill -INT $calls
check "and can be given up" ends 130 $calls
sed -i "s/^allow = .*/allow = file, pipe, forward 127.0.0.1:9/" bob/sipd.conf
as bob reload
check "a tunnel that fails says why, and nothing else" sh -c "
    dial -c alice/sipd.conf bob forward -W 127.0.0.1:9 2>&1 < /dev/null |
    grep '^dial: .*127.0.0.1:9'"

check "a good call is still one" sh -c "
    dial -c alice/sipd.conf bob pipe < hello | grep -qx HELLO"
check "bob ends well" stop bob
check "alice too" stop alice
finish
