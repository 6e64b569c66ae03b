# Starts processes for a worker, whose own fork is dear: it copies the page tables of a large process.
#
# Standard input brings frames: 4 bytes of length (big-endian), then fields that NUL separates: an
# unguessable id, the folder, how many words the command line has, these, and NAME=VALUE for each variable.
# Standard output tells, a line each: "ready"; "p ID PID START" when a process begins, START in clock ticks
# since the machine's boot; "e ID ERRNO" when it could not be started (after "p", perhaps); "x ID STATUS" when it ended, STATUS
# as wait(2) has it. Stdout and stderr of a process are connections to the socket that the argument names;
# each begins with a line, "1ID" or "2ID".
#
# At the end of its input, the worker's death included, it kills every process group it started.
use strict;
use warnings;
use Config;
use Fcntl qw(F_GETFL F_SETFL F_SETOWN O_ASYNC O_NONBLOCK O_RDONLY);
use POSIX qw(EAGAIN EINTR SIG_BLOCK SIG_SETMASK WNOHANG);
use Socket qw(PF_UNIX SOCK_STREAM pack_sockaddr_un);

my $address = pack_sockaddr_un($ARGV[0]);
my $input = '';
my %ids;
my %signals;
@signals{split ' ', $Config{sig_name}} = split ' ', $Config{sig_num};
my $none = POSIX::SigSet->new;

# Handled, not ignored: exec(2) gives a process the defaults back. Perl itself ignores FPE.
$SIG{$_} = sub { } for qw(CHLD FPE HUP INT IO PIPE TERM);
# Blocked but while we wait for them, so that none comes between a look and the wait.
POSIX::sigprocmask(SIG_BLOCK, POSIX::SigSet->new(@signals{qw(CHLD IO)}));

# No descriptor above 2 is inherited by what is executed.
open(my $worker, '>&', \*STDOUT) or die "dup: $!\n";
open(my $nothing, '<', '/dev/null') or die "/dev/null: $!\n";
# A number and not its text: of a text the address is passed.
fcntl(STDIN, F_SETOWN, $$ + 0) or die "F_SETOWN: $!\n";
fcntl(STDIN, F_SETFL, fcntl(STDIN, F_GETFL, 0) | O_ASYNC | O_NONBLOCK) or die "F_SETFL: $!\n";

tell_worker('ready');
while (take_frames()) {
    collect();
    POSIX::sigsuspend($none);
}
kill KILL => -$_, $_ for keys %ids;

sub tell_worker { syswrite($worker, "@_\n") }

# False at the end of the input.
sub take_frames {
    for (;;) {
        my $got = sysread(STDIN, $input, 65536, length $input);
        return $! == EAGAIN || $! == EINTR if !defined $got;
        return 0 if $got == 0;
        while (length $input >= 4) {
            my $length = unpack 'N', $input;
            last if length $input < 4 + $length;
            start(split /\0/, substr($input, 4, $length), -1);
            substr($input, 0, 4 + $length) = '';
        }
    }
}

sub start {
    my ($id, $folder, $count, @words) = @_;
    my @argv = splice @words, 0, $count;
    my $out = channel("1$id\n");
    my $err = $out && channel("2$id\n");
    my $pid = $err ? fork : undef;
    return tell_worker('e', $id, $! + 0) if !defined $pid;
    become($id, $folder, \@argv, \@words, $out, $err) if $pid == 0;
    $ids{$pid} = $id;
}

sub channel {
    my ($greeting) = @_;
    socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or return;
    connect($socket, $address) or return;
    syswrite($socket, $greeting) or return;
    return $socket;
}

# In the child; never returns.
sub become {
    my ($id, $folder, $argv, $variables, $out, $err) = @_;
    POSIX::sigprocmask(SIG_SETMASK, $none);
    POSIX::setsid();
    if (chdir $folder) {
        # Only now, in a group of its own, can it be stopped and killed with all it starts.
        tell_worker('p', $id, $$, start_time());
        POSIX::dup2(fileno $nothing, 0);
        POSIX::dup2(fileno $out, 1);
        POSIX::dup2(fileno $err, 2);
        %ENV = map { split /=/, $_, 2 } @$variables;
        no warnings 'exec';
        exec { $argv->[0] } @$argv;
    }
    tell_worker('e', $id, $! + 0);
    POSIX::_exit(127);
}

# '' where there is no /proc.
sub start_time {
    sysopen(my $file, '/proc/self/stat', O_RDONLY) or return '';
    sysread($file, my $stat, 4096) or return '';
    return (split ' ', substr($stat, 2 + rindex $stat, ')'))[19];
}

sub collect {
    while ((my $pid = waitpid -1, WNOHANG) > 0) {
        tell_worker('x', delete $ids{$pid}, $?);
    }
}
