#!/bin/sh
# forward.sh: dial's -L, -R, -D and -W as users of ssh know them, through a
# daemon at the far side; real clients and servers at both ends.
. "$(dirname "$0")/lib.sh"

fa=$(key alice) fb=$(key bob)
conf alice <<EOT
port = 5062
[peer bob]
address = sip:127.0.0.1:5060
fingerprint = $fb
allow = forward 127.0.0.1:9
EOT
conf bob <<EOT
port = 5060
control = $T/bob/control
[peer alice]
address = sip:127.0.0.1:5062
fingerprint = $fa
allow = file
allow = forward 127.0.0.1:8000-8099 localhost:8000 web.test:8000 [::1]:8000
allow = forward 127.0.0.1:22 127.0.0.1:9 listen:8100-8199
allow = forward $T/far.sock $T/bob/control listen:$T/made.sock
EOT
# web.test is in the hosts file that bob alone sees
echo '127.0.0.1 web.test' > "$T/hosts"
unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec sipd -v -c "$1"' \
    "$T/hosts" "$T/bob/sipd.conf" >> "$T/bob/log" 2>&1 &
pid_bob=$!
wait_for 10 as bob status
head -c 3000000 /dev/urandom > "$T/three.bin"
mkdir "$T/www"
cp "$T/three.bin" "$T/www"
busybox httpd -f -p '[::]:8000' -h "$T/www" &
wait_for 10 curl -sf http://127.0.0.1:8000/three.bin -o /dev/null

# fetched URL CURL-OPTION...: is it what is served?
fetched() { url=$1; shift; curl -sf -m 20 "$@" "$url" | cmp - "$T/three.bin"; }
# forwards NAME ARG...: dial bob forward ARG..., until it listens
forwards() {
	name=$1; shift
	behind alice "$name.said" bob forward "$@"
	wait_for 10 grep -q listening "$T/$name.said" ||
		{ cat "$T/$name.said"; return 1; }
}
ended() { kill -TERM "$1" 2>/dev/null; wait "$1"; :; }

# -D: SOCKS 4, 4A, 5 and HTTP CONNECT on one port
check "-D listens" forwards d -D 1080
dyn=$behind
for how in socks4://127.0.0.1 socks4a://localhost socks5://127.0.0.1 \
    socks5h://localhost http://127.0.0.1; do
	host=${how#*//}
	check "-D: ${how%%:*}" fetched "http://$host:8000/three.bin" \
	    -p -x "${how%%:*}://127.0.0.1:1080"
done
check "-D: an IPv6 target" fetched 'http://[::1]:8000/three.bin' \
    -x socks5h://127.0.0.1:1080
check "-D: IPv6 by HTTP CONNECT" fetched 'http://[::1]:8000/three.bin' \
    -p -x http://127.0.0.1:1080
check "-D: not allowed is SOCKS' not allowed" fails_with 97 "(2)" curl -sS \
    -m 10 -x socks5h://127.0.0.1:1080 http://127.0.0.1:7000/
check "-D: nobody listens is SOCKS' connection refused" fails_with 97 "(5)" \
    curl -sS -m 10 -x socks5h://127.0.0.1:1080 http://127.0.0.1:9/
check "-D: a name that the far side alone knows" fetched \
    http://web.test:8000/three.bin -x socks5h://127.0.0.1:1080
check "-D: the same as HTTP" fails_with 56 "403" curl -sS -m 10 -p \
    -x http://127.0.0.1:1080 http://127.0.0.1:7000/
check "-D: only CONNECT" sh -c \
    "curl -s -m 10 -o /dev/null -w '%{http_code}' -x http://127.0.0.1:1080 \
    http://127.0.0.1:8000/ | grep -qx 405"
ended "$dyn"

# resets, half-closes and urgent bytes, through both sipd: as directly
cat > "$T/tcp.pl" <<'EOT'
use Socket;
sub at { sockaddr_in($_[0], INADDR_LOOPBACK) }
sub got {                       # all until the end; or the error
	my ($fd, $all) = (shift, "");
	while (my $n = sysread($fd, my $b, 4096) // die "$!") { $all .= $b }
	$all
}
my ($near, $far, $what) = @ARGV;
socket L, AF_INET, SOCK_STREAM, 0;
setsockopt L, SOL_SOCKET, SO_REUSEADDR, 1;
bind L, at($far) or die "bind: $!";
listen L, 5;
socket C, AF_INET, SOCK_STREAM, 0;
connect C, at($near) or die "connect: $!";
accept S, L or die;
my ($a, $b) = $what =~ /back/ ? (*S, *C) : (*C, *S);
syswrite $a, "one";
if ($what =~ /reset/) {
	sysread $b, $_, 3;
	setsockopt $a, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0;
	close $a;
	eval { got $b };
	die "no reset: $@" unless $@ =~ /reset by peer/;
} elsif ($what =~ /urgent/) {
	send $a, "!", MSG_OOB;
	syswrite $a, "two";
	shutdown $a, 1;
	die unless got($b) eq "one!two";
} else {
	shutdown $a, 1;
	die unless got($b) eq "one";
	syswrite $b, "two";
	close $b;
	die unless got($a) eq "two";
}
EOT
check "-L to a server of one's own" forwards tcp 8001:127.0.0.1:8009
for what in reset "reset back" half "half back" urgent "urgent back"; do
	check "TCP: $what" timeout 20 perl "$T/tcp.pl" 8001 8009 "$what"
done
ended "$behind"

# -R, and -R without a target: SOCKS at the far side
check "-R listens" forwards r -R 8100:127.0.0.1:8000 -R 8101
check "-R: through it" fetched http://127.0.0.1:8100/three.bin
check "-R port: SOCKS there" fetched http://127.0.0.1:8000/three.bin \
    -x socks5h://127.0.0.1:8101
ended "$behind"

# UDP, small and larger than a packet of the path
socat -b 16000 UDP4-RECVFROM:8053,fork EXEC:cat &
check "udp: listens" forwards udp udp:8054:127.0.0.1:8053 \
    -R udp:8155:127.0.0.1:8053
echoed() {      # PORT BYTES
	head -c "$2" "$T/three.bin" > "$T/packet"
	wait_for 5 sh -c "socat -b 16000 -t 0.5 - UDP4:127.0.0.1:$1 < $T/packet |
	    cmp - $T/packet"
}
for size in 1 1000 1400 9000; do
	check "udp: $size bytes" echoed 8054 $size
	check "-R udp: $size bytes" echoed 8155 $size
done
# the answers: the first packet of a flow goes with its stream
check "udp: as datagrams of QUIC" sh -c "dial -c $T/bob/sipd.conf list |
    grep -q 'udp_datagrams=[1-9]'"
ended "$behind"

# a client of UDP ASSOCIATE (RFC 1928, 7): its packet there and back
check "-D for UDP" forwards du -D 1081
cat > "$T/assoc.pl" <<'EOT'
use Socket;
socket T, AF_INET, SOCK_STREAM, 0;
connect T, sockaddr_in(1081, INADDR_LOOPBACK) or die "connect: $!";
syswrite T, "\5\1\0";
sysread(T, my $method, 2) == 2 or die;
syswrite T, "\5\3\0\1\0\0\0\0\0\0";
sysread(T, my $reply, 10) == 10 or die;
my ($ok, $port) = (unpack "x C x2 x4 n", $reply);
die "refused: $ok" if $ok;
socket U, AF_INET, SOCK_DGRAM, 0;
connect U, sockaddr_in($port, INADDR_LOOPBACK);
my $packet = "\0\0\0\1\x7f\0\0\1" . pack("n", 8053) . "hello";
alarm 10;
syswrite U, $packet;
sysread U, my $back, 100;
die "not the same" unless $back eq $packet;
EOT
check "-D: UDP ASSOCIATE" perl "$T/assoc.pl"
ended "$behind"

# Unix sockets at either end
socat UNIX-LISTEN:"$T/far.sock",fork TCP:127.0.0.1:8000 &
wait_for 10 test -S "$T/far.sock"
check "unix: both ends" forwards u "$T/near.sock:$T/far.sock" \
    "8200:$T/far.sock" "$T/port.sock:127.0.0.1:8000"
check "unix to unix" fetched http://x/three.bin --unix-socket "$T/near.sock"
check "port to unix" fetched http://127.0.0.1:8200/three.bin
check "unix to port" fetched http://x/three.bin --unix-socket "$T/port.sock"
check "unix: nobody else may" test "$(stat -c %a "$T/near.sock")" = 600
ended "$behind"
check "unix: removed at the end" wait_for 5 test ! -e "$T/near.sock"
check "-R unix listens" forwards ru -R "$T/made.sock:127.0.0.1:8000"
check "-R unix" fetched http://x/three.bin --unix-socket "$T/made.sock"
ended "$behind"
check "unix: not allowed" fails_with 1 "must be named in allow: forward /" \
    as alice bob forward "8201:$T/other.sock"
# even if allow says so
check "never the control socket" fails_with 1 "Permission denied" \
    as alice bob forward -W "$T/bob/control"

# -W: OpenSSH's ProxyCommand
mkdir -p "$T/ssh" /run/sshd
chmod 700 "$T/ssh"
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/user"
cat > "$T/ssh/sshd_config" <<EOT
ListenAddress 127.0.0.1:22
HostKey $T/ssh/host
PidFile none
AuthorizedKeysFile $T/ssh/user.pub
PermitRootLogin yes
UsePAM no
StrictModes no
EOT
/usr/sbin/sshd -D -e -f "$T/ssh/sshd_config" 2> "$T/ssh/sshd.out" &
cat > "$T/ssh/config" <<EOT
Host bobs
User root
HostName 127.0.0.1
ProxyCommand dial -c $T/alice/sipd.conf bob forward -W %h:%p
IdentityFile $T/ssh/user
UserKnownHostsFile $T/ssh/known
StrictHostKeyChecking no
LogLevel ERROR
EOT
cat > "$T/ssh/run" <<EOT
ssh -F $T/ssh/config bobs cat < $T/three.bin | cmp - $T/three.bin &&
! ssh -F $T/ssh/config bobs false &&
test "\$(ssh -F $T/ssh/config bobs echo hello)" = hello
EOT
wait_for 10 sh -c "echo | socat - TCP:127.0.0.1:22 | grep -q SSH"
check "ssh by ProxyCommand" sh "$T/ssh/run"
check "-W: refused" fails_with 1 "127.0.0.1:9 could not be connected to" \
    as alice bob forward -W 127.0.0.1:9
check "-W: half-close" sh -c "printf 'GET /three.bin HTTP/1.0\r\n\r\n' |
    dial -c $T/alice/sipd.conf bob forward -W 127.0.0.1:8000 |
    tail -c 3000000 | cmp - $T/three.bin"

# one session for all that a daemon is asked for with one peer
start alice
check "a forward by the daemon" forwards one 8300:127.0.0.1:8000
one=$behind
check "a second one" forwards two -D 8301
check "sent meanwhile" as alice bob send "$T/three.bin"
check "it is there" cmp "$T/three.bin" "$T/bob/inbox/three.bin"
as alice list > "$T/list.out"
check "all in one session" test "$(grep -c bob "$T/list.out")" = 1
check "which says so" grep -q ' forward,forward ' "$T/list.out"
check "the far side may not send: it is not allowed" fails_with 1 \
    "does not allow us" as bob alice send "$T/three.bin"
ended "$one"
check "the first has gone, the second goes on" fetched \
    http://127.0.0.1:8000/three.bin -x socks5h://127.0.0.1:8301
check "its port is free" fails_with 7 connect curl -sS http://127.0.0.1:8300/
ended "$behind"
check "the last one ends it" wait_for 5 sh -c \
    "test -z \"\$(dial -c $T/bob/sipd.conf list)\""
check "sipd ends well" stop bob
check "alice's too" stop alice
finish
