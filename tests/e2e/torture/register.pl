# register.pl PORT PASSWORD FILE...: each REGISTER to the registrar at 127.0.0.1
# by TCP, once more with the password that it asks for, and then without its
# Contacts, to see what was kept. A line for each: "NAME CODE CONTACT...".
#
# Adapted are what RFC 3261 section 22.2 has a client change: CSeq and branch
# count up, Authorization is added.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $password, @files) = @ARGV;

sub md5 {
	my ($text) = @_;
	$text =~ s/'/'\\''/g;
	return substr `printf %s '$text' | md5sum`, 0, 32;
}

sub ask {
	my ($sock, $s) = @_;
	my $buf = '';
	syswrite $sock, $s;
	while ($buf !~ /\r\n\r\n/) {
		sysread($sock, $buf, 65536, length $buf) or last;
	}
	return $buf;
}

# As sent the nth time; without Contacts if $fetch.
sub again {
	my ($s, $n, $fetch) = @_;
	$s =~ s/^(CSeq: )(\d+)/$1 . ($2 + $n)/me;
	$s =~ s/^(Via: .*branch=\S+)/$1-$n/m;
	$s =~ s/^(?:Contact|M)\s*:.*?\r\n(?!\s)//gmsi if $fetch;
	return $s;
}

sub with_password {
	my ($s, $answer) = @_;
	my ($uri) = $s =~ /^REGISTER (\S+)/;
	my ($user) = $s =~ /^To: <?sip:([^@]+)@/m;
	my ($c) = $answer =~ /^(WWW-Authenticate: Digest .*algorithm=MD5.*)$/m;
	my ($realm, $nonce) = map { $c =~ /$_="([^"]*)"/ } 'realm', 'nonce';
	my $response = md5(md5("$user:$realm:$password") .
	    ":$nonce:00000001:c:auth:" . md5("REGISTER:$uri"));
	my $line = "Authorization: Digest username=\"$user\", realm=\"$realm\"," .
	    " nonce=\"$nonce\", uri=\"$uri\", qop=auth, nc=00000001," .
	    " cnonce=\"c\", algorithm=MD5, response=\"$response\"\r\n";
	$s =~ s/^(From: )/$line$1/m;
	return $s;
}

for my $file (@files) {
	open my $f, '<', $file or die "$file: $!";
	binmode $f;
	local $/;
	my $s = <$f>;
	$s =~ s/(\r\n\r\n).*/$1/s;
	my ($name) = $file =~ m{([^/]+/[^/]+)$};
	my $sock = IO::Socket::INET->new("127.0.0.1:$port") or die "$port: $!";
	my ($code, $got);
	for my $n (1, 3) {
		$got = ask($sock, again($s, $n, $n == 3));
		$got = ask($sock, with_password(again($s, $n + 1, $n == 3), $got))
		    if $got =~ /^SIP\/2.0 401/;
		$code //= substr $got, 8, 3;
	}
	print join(' ', $name, $code, sort map { s/;expires=\d+//r }
	    $got =~ /^Contact: (.*?)\r$/mg), "\n";
}
