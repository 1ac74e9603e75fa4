# liar.pl PORT TO SED-LIKE...: a server between two that rewrites what it
# passes on: OLD=NEW, in SIP by UDP, both ways. Each INVITE is also kept in
# ./kept, as it was.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port, $to, @lies) = @ARGV;
my $in = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
    LocalPort => $port) or die $!;
my $out = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
    PeerAddr => $to) or die $!;
my $select = IO::Select->new($in, $out);
my $caller;
while (1) {
	for my $s ($select->can_read) {
		my $from = $s->recv(my $buf, 65536);
		next unless defined $from && length $buf;
		if ($s == $in && $buf =~ /^INVITE/) {
			open my $f, '>', 'kept' or die;
			binmode $f;
			print $f $buf;
			close $f;
		}
		for (@lies) {
			my ($old, $new) = split /=/;
			$buf =~ s/\Q$old\E/$new/g;
		}
		$caller = $from if $s == $in;
		$s == $in ? $out->send($buf) : $in->send($buf, 0, $caller);
	}
}
