# Starts processes for a worker, whose own fork is dear: it copies the page tables of a large process.
#
# Standard input brings frames: 4 bytes of length (big-endian), then fields that NUL separates: an
# unguessable id; the number of setns(2), a pid and the names of the namespaces of it to be entered, or nothing; the
# processor and a filter in hexadecimal, as landlock.pl beside this takes them, or nothing; the folder; how many words
# the command line has, these, and NAME=VALUE for each variable.
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
use POSIX qw(EAGAIN EINTR ENOENT ESRCH SIG_BLOCK SIG_SETMASK WNOHANG WUNTRACED);
use Socket qw(PF_UNIX SOCK_STREAM pack_sockaddr_un);

my $address = pack_sockaddr_un($ARGV[0]);
my $input = '';
my %ids;
# Connections no process has yet: made while the process before begins, so that none waits for its own.
my @spare;
my %signals;
@signals{split ' ', $Config{sig_name}} = split ' ', $Config{sig_num};
my $none = POSIX::SigSet->new;
# Read now: where it is needed, its file cannot be seen. It defines words we have, too.
my $confine = "package Confine; no strict; no warnings;\n" . text_of($0 =~ s/spawner\.pl\z/landlock.pl/r);

# Handled, not ignored: exec(2) gives a process the defaults back. Perl itself ignores FPE.
my @handled = qw(CHLD FPE HUP INT IO PIPE TERM);
$SIG{$_} = sub { } for @handled;
# Blocked but while we wait for them, so that none comes between a look and the wait.
POSIX::sigprocmask(SIG_BLOCK, POSIX::SigSet->new(@signals{qw(CHLD IO)}));

# No descriptor above 2 is inherited by what is executed.
open(my $worker, '>&', \*STDOUT) or die "dup: $!\n";
open(my $nothing, '<', '/dev/null') or die "/dev/null: $!\n";
# A number and not its text: of a text the address is passed.
fcntl(STDIN, F_SETOWN, $$ + 0) or die "F_SETOWN: $!\n";
fcntl(STDIN, F_SETFL, fcntl(STDIN, F_GETFL, 0) | O_ASYNC | O_NONBLOCK) or die "F_SETFL: $!\n";

connect_ahead();
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
    my ($id, $entry, $filter, $folder, $count, @words) = @_;
    my @argv = splice @words, 0, $count;
    my $out = channel("1$id\n");
    my $err = $out && channel("2$id\n");
    my $pid = $err ? fork : undef;
    return tell_worker('e', $id, $! + 0) if !defined $pid;
    become($id, $entry, $filter, $folder, \@argv, \@words, $out, $err) if $pid == 0;
    $ids{$pid} = $id;
    connect_ahead();
}

sub channel {
    my ($greeting) = @_;
    my $socket = shift(@spare) // connection() or return;
    syswrite($socket, $greeting) or return;
    return $socket;
}

# Never before a fork: a process would hold what another will write to.
sub connect_ahead { push @spare, connection() // () for @spare .. 1 }

sub connection {
    socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or return;
    connect($socket, $address) or return;
    return $socket;
}

# In the child; never returns.
sub become {
    my ($id, $entry, $filter, $folder, $argv, $variables, $out, $err) = @_;
    $SIG{$_} = 'DEFAULT' for @handled;
    POSIX::sigprocmask(SIG_SETMASK, $none);
    POSIX::setsid();
    if ($entry ne '' || chdir $folder) {
        # Only now, in a group of its own, can it be stopped and killed with all it starts.
        tell_worker('p', $id, $$, start_time());
        POSIX::dup2(fileno $nothing, 0);
        POSIX::dup2(fileno $out, 1);
        POSIX::dup2(fileno $err, 2);
        %ENV = map { split /=/, $_, 2 } @$variables;
        execute($filter, @$argv) if $entry eq '' || enter($folder, split / /, $entry);
    }
    tell_worker('e', $id, $! + 0);
    POSIX::_exit(127);
}

sub execute {
    my ($filter, @argv) = @_;
    if ($filter ne '') {
        @ARGV = (split(/ /, $filter), 'none', '--', @argv);
        eval $confine;
        POSIX::_exit(125);
    }
    no warnings 'exec';
    exec { $argv[0] } @argv;
}

# True in a child that is in the namespaces, in a session of its own there: whoever enters a namespace of
# processes is not of it, only its children are. Itself it ends as that child ends, and stops when that stops.
sub enter {
    my ($folder, $setns, $init, @names) = @_;
    my @places;
    for my $name (@names) {
        my $is_open = sysopen my $place, "/proc/$init/ns/$name", O_RDONLY;
        # Not of the command.
        $! = ESRCH if !$is_open && $! == ENOENT;
        return 0 if !$is_open;
        push @places, $place;
    }
    for my $place (@places) { return 0 if syscall($setns + 0, fileno $place, 0) < 0 }
    chdir $folder or return 0;
    my $pid = fork;
    return 0 if !defined $pid;
    if ($pid == 0) {
        POSIX::setsid();
        return 1;
    }
    # Else the worker would not see the end of the spawner.
    close $worker;
    for (;;) {
        if (waitpid($pid, WUNTRACED) < 0) {
            next if $! == EINTR;
            POSIX::_exit(1);
        }
        my ($kind, $value) = ($? & 0x7f, $? >> 8);
        if ($kind == 0x7f) {
            kill STOP => $$;
            kill CONT => $pid;
            next;
        }
        kill $kind, $$ if $kind != 0;
        POSIX::_exit($kind == 0 ? $value : 128 + $kind);
    }
}

# '' where there is no such file.
sub text_of {
    sysopen(my $file, $_[0], O_RDONLY) or return '';
    sysread($file, my $text, 65536) or return '';
    return $text;
}

# '' where there is no /proc.
sub start_time {
    my $stat = text_of('/proc/self/stat') or return '';
    return (split ' ', substr($stat, 2 + rindex $stat, ')'))[19];
}

sub collect {
    while ((my $pid = waitpid -1, WNOHANG) > 0) {
        tell_worker('x', delete $ids{$pid}, $?);
    }
}
