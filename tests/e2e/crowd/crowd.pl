#!/usr/bin/perl
# crowd.pl PORT NAME FROM SOURCES EACH: so many connections of so many sources,
# 127.1.FROM.1 and on, to 127.0.0.1:PORT, each of which has asked something and
# was answered, so that it is no stranger's that says nothing. Says "NAME: up"
# and waits for lines:
#   alive       are all there? One CRLF CRLF by each, and its pong (RFC 5626)
#   more        one of another source: is it let in, closed, or what?
#   leave       close one
# The answer to each is a line.
use strict;
use warnings;
use Socket;
use IO::Handle;
use IO::Select;
use Time::HiRes qw(time);

my ($port, $name, $from, $sources, $each) = @ARGV;
my $to = sockaddr_in($port, inet_aton("127.0.0.1"));
my $limit = 60;
STDOUT->autoflush(1);

# a connection of that source; undef if there is none
sub conn {
	my ($src) = @_;
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
	setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("qq", $limit, 0));
	# IP_BIND_ADDRESS_NO_PORT: the kernel finds a port by both ends
	setsockopt($s, 0, 24, 1);
	bind($s, sockaddr_in(0, inet_aton($src))) or die "bind $src: $!\n";
	return connect($s, $to) ? $s : undef;
}

sub options {
	my ($src, $n) = @_;
	return join("\r\n", "OPTIONS sip:127.0.0.1 SIP/2.0",
	    "Via: SIP/2.0/TCP $src:9;branch=z9hG4bK$name$n",
	    "From: <sip:x\@$src>;tag=1", "To: <sip:127.0.0.1>",
	    "Call-ID: $name$n", "CSeq: 1 OPTIONS", "Max-Forwards: 70",
	    "Content-Length: 0", "", "");
}

# what comes next: bytes, "" at the end, undef: nothing for a minute
sub hear {
	my ($s) = @_;
	my $got;
	my $n = sysread($s, $got, 4096);
	return defined $n ? $got : $!{ECONNRESET} ? "" : undef;
}

# one that has asked, and what it was told
sub ask {
	my ($src, $n) = @_;
	my $s = conn($src) or return (undef, "not connected");
	# a pipe that is broken is the same as one that is closed
	send($s, options($src, $n), 0x4000) or return (undef, "closed");
	my $got = hear($s);
	return ($s, !defined $got ? "nothing" : $got eq "" ? "closed" :
	    $got =~ /^(SIP\/2.0 \d+)/ ? "open" : "what is $got");
}

my @all;
for my $i (1 .. $each) {
	for my $k (0 .. $sources - 1) {
		my $src = "127.1." . ($from + $k) . ".1";
		my ($s, $what) = ask($src, "$k.$i");
		$what eq "open" or die "$src, the ${i}th: $what\n";
		push @all, $s;
	}
}
print "$name: up ", scalar @all, "\n";
my $n = 0;
while (my $line = <STDIN>) {
	if ($line =~ /alive/) {
		my $pongs = 0;
		send($_, "\r\n\r\n", 0x4000) for @all;
		for my $s (@all) {
			my $got = hear($s);
			$pongs++ if defined $got && $got eq "\r\n";
		}
		print "$name: alive $pongs\n";
	} elsif ($line =~ /more/) {
		my ($s, $what) = ask("127.2.$from.1", "more" . ++$n);
		push @all, $s if $what eq "open";
		print "$name: more $what\n";
	} elsif ($line =~ /leave/) {
		close(shift @all);
		print "$name: left\n";
	}
}
