# send.pl udp|tcp PORT FOLDER < WANTED: each message that WANTED names, of that
# folder, to 127.0.0.1, and a line "NAME CODE" with the final answer, or "NAME
# -" if none comes. WANTED has lines "NAME CODE|-": where one should come it is
# waited for, for long once.
#
# The bytes are those of the RFCs' archives (compare.sh). Adapted here are:
# - RFC 5118's, whose archive has line feeds for CRLF, two messages without the
#   empty line at the end, and three whose Content-Length fits no body;
# - branches that another message had before, with the same sent-by, and their
#   Call-IDs: it would be a retransmission of that one, or the same by another
#   way.
# Answers by UDP go to the port that a Via names: one socket for each.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($proto, $port, $folder) = @ARGV;
my $patience = 20;
my %udp;
my $select = IO::Select->new;

sub text {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	binmode $f;
	local $/;
	my $s = <$f>;
	return $file =~ /rfc5118/ ? mended($s) : $s;
}

sub mended {
	my ($s) = @_;
	$s =~ s/\n/\r\n/g;
	$s .= "\r\n" unless $s =~ /\r\n\r\n/;
	my $body = length((split /\r\n\r\n/, $s, 2)[1]);
	$s =~ s/^(Content-Length: )\d+/$1$body/m;
	return $s;
}

my %seen;

sub own_branch {
	my ($s) = @_;
	return $s unless $s =~ /^v(?:ia)?\s*:\s*(\S+\s+[^;\r]+).*?;branch=([^;\s]+)/mi;
	my ($end, $n) = ($+[2], $seen{"$1 $2"}++);
	return $s unless $n;
	substr($s, $end, 0) = $n;
	$s =~ s/^((?:Call-ID|i)\s*:\s*)/$1$n/mi;
	return $s;
}

# A UDP socket for what answers this message.
sub udp_for {
	my ($s) = @_;
	my $via = $s =~ /^v(?:ia)?\s*:((?:.|\r\n\s)*?)\r\n\S/mi ? $1 : '';
	my $p = $via =~ m{^\s*SIP\s*/\s*2.0\s*/\s*\w+\s+(?:\[[^\]]*\]|[^:;\s]+):(\d+)} &&
	    $via !~ /rport/ ? $1 : 5060;
	$udp{$p} //= IO::Socket::INET->new(Proto => 'udp',
	    LocalAddr => '127.0.0.' . $port % 100, LocalPort => $p) // die "$p: $!";
	return $udp{$p};
}

# The final answer to a request of that Call-ID or branch, in so many seconds.
sub answer {
	my ($sock, $id, $limit) = @_;
	my $end = time + $limit;
	my $buf = '';
	while (time < $end && IO::Select->new($sock)->can_read($limit)) {
		$buf = '' if $proto eq 'udp';
		my $n = sysread $sock, $buf, 65536, length $buf;
		last unless $n;
		while ($buf =~ /SIP\/2\.0 (\d+)(.*?)\r\n\r\n/gs) {
			my ($code, $head) = ($1, $2);
			next if $code < 200;
			return $code if !$id || index($head, $id) >= 0;
		}
	}
	return '-';
}

while (my $line = <STDIN>) {
	my ($name, $want) = split ' ', $line;
	my $s = own_branch(text("$folder/$name"));
	# an answer that is not acknowledged comes again, beside the next one's
	my $id = $s =~ /^(?:Call-ID|i)\s*:\s*(\S+)/mi ||
	    $s =~ /;(branch=[^;,\s]+)/i ? $1 : undef;
	my $sock;
	if ($proto eq 'udp') {
		$sock = udp_for($s);
		my $to = sockaddr_in($port, inet_aton('127.0.0.1'));
		send $sock, $s, 0, $to;
	} else {
		$sock = IO::Socket::INET->new("127.0.0.1:$port")
		    or die "$port: $!";
		syswrite $sock, $s;
	}
	my $got = answer($sock, $id, $want eq '-' ? 0.5 : $patience);
	$patience = 0.5 if $got eq '-' && $want ne '-';
	print "$name $got\n";
}
