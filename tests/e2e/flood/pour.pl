# pour.pl garbage|tls PORT SECONDS RATE: datagrams of nonsense, or connections
# that begin a TLS handshake and never go on, from 127.0.0.66.
use strict;
use warnings;
use IO::Socket::INET;

# perl-base has no Time::HiRes; uptime has hundredths of a second.
sub now {
	open my $f, "<", "/proc/uptime" or die;
	return (split " ", <$f>)[0];
}

my ($what, $port, $seconds, $rate) = @ARGV;
my $begin = now();
my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.66',
    PeerAddr => "127.0.0.1:$port") or die $!;
my (@open, $n);

sub garbage {
	my $s = join '', map { chr rand 256 } 1 .. 40;
	$udp->send($n % 2 ? $s x 10 : "INVITE $s sip:a SIP/2.0\r\n$s\r\n\r\n");
}

sub half {
	my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
	    LocalAddr => '127.0.0.66', Timeout => 1) or return;
	# a record that says to have 512 bytes
	$c->syswrite("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
	push @open, $c;
	shift @open if @open > 900;
}

for ($n = 0; now() - $begin < $seconds; ) {
	my $due = (now() - $begin) * $rate;
	while ($n < $due && now() - $begin < $seconds) {
		$what eq 'tls' ? half() : garbage();
		$n++;
	}
	select undef, undef, undef, 0.005;
}
print "$what: $n sent\n";
