# Listens on a port of the loopback, in the network of a run, and passes each connection on to a Unix socket
# outside, which a run cannot see. The one argument is the port; the first line of standard input names the
# socket. Says "ready" once it listens. Ends with its input, the worker's death included.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket;

# Of connections, and of bytes on the way in each direction: what select(2) and memory bear.
my $most = 256;
my $room = 65536;

my %ends;
$SIG{PIPE} = 'IGNORE';
chomp(my $outside = <STDIN>);
socket(my $door, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($door, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!\n";
bind($door, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die "bind: $!\n";
listen($door, 128) or die "listen: $!\n";
syswrite(STDOUT, "ready\n");

for (;;) {
    my ($readable, $writable) = ('', '');
    vec($readable, 0, 1) = 1;
    vec($readable, fileno $door, 1) = 1 if keys %ends < 2 * $most;
    for my $end (values %ends) {
        vec($readable, $end->{fd}, 1) = 1 if !$end->{ended} && length $end->{peer}{out} < $room;
        vec($writable, $end->{fd}, 1) = 1 if length $end->{out};
    }
    next if select($readable, $writable, undef, undef) < 0;
    exit if vec($readable, 0, 1) && !sysread(STDIN, my $said, 512);
    # A list of its own: some go while it is gone through.
    for my $end (my @now = values %ends) {
        take($end) if $end->{peer} && vec($readable, $end->{fd}, 1);
        give($end) if $end->{peer} && vec($writable, $end->{fd}, 1);
    }
    pass_on() if vec($readable, fileno $door, 1);
}

sub pass_on {
    accept(my $inner, $door) or return;
    socket(my $outer, PF_UNIX, SOCK_STREAM, 0) or return;
    connect($outer, pack_sockaddr_un($outside)) or return;
    my ($one, $other) = map { end_of($_) } $inner, $outer;
    $one->{peer} = $other;
    $other->{peer} = $one;
}

sub end_of {
    my ($handle) = @_;
    fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK);
    return $ends{fileno $handle} = { fd => fileno $handle, handle => $handle, out => '', ended => 0 };
}

sub take {
    my ($end) = @_;
    my $peer = $end->{peer};
    my $got = sysread($end->{handle}, $peer->{out}, $room, length $peer->{out});
    return would_wait() || drop($end) if !defined $got;
    $end->{ended} = 1 if $got == 0;
    give($peer);
}

sub give {
    my ($end) = @_;
    if (length $end->{out}) {
        my $put = syswrite($end->{handle}, $end->{out});
        return would_wait() || drop($end) if !defined $put;
        substr($end->{out}, 0, $put) = '';
    }
    return if length $end->{out} || !$end->{peer}{ended};
    shutdown($end->{handle}, 1);
    drop($end) if $end->{ended} && !length $end->{peer}{out};
}

sub would_wait { return $! == EAGAIN || $! == EINTR }

sub drop {
    my ($end) = @_;
    for my $one ($end->{peer}, $end) {
        delete $ends{ $one->{fd} };
        close $one->{handle};
        delete $one->{peer};
    }
}
