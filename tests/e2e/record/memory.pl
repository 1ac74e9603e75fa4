# memory.pl PID TEXT: does this stand in what the process can write to? Prints
# where, and exits 0; 1: nowhere.
use strict;
use warnings;
no warnings 'portable';

my ($pid, $text) = @ARGV;
my $hits = 0;
open my $maps, '<', "/proc/$pid/maps" or die "$pid: $!";
open my $mem, '<:raw', "/proc/$pid/mem" or die "$pid: $!";
while (my $line = <$maps>) {
	next unless $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/;
	my ($begin, $n) = (hex $1, hex($2) - hex $1);
	# a sanitizer's own memory is sparse, and has terabytes
	next if $n > 1 << 30;
	sysseek $mem, $begin, 0;
	sysread $mem, my $bytes, $n or next;
	next if index($bytes, $text) < 0;
	print $line;
	$hits++;
}
exit !$hits;
