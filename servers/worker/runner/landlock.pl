# Confines itself by Landlock and a filter of system calls, and becomes the command after "--".
#
# Arguments: the processor, as Node.js names it; the filter (classic BPF, in hexadecimal); "closed" or "open",
# for TCP, or "none", for a session of its own and the filter, without Landlock; then pairs of a letter and a path: "r" may be read and executed, "w" written as well, "d" is a
# device; a path that is not there is left out. What cannot be done ends it with a word on standard error and
# exit code 125, before the command has begun.
#
# To be run by `perl -T`: the environment is the command's, and must load nothing here. PERL_BADLANG=0 in it keeps
# Perl from complaining of a locale the machine does not have, and is taken out.
# landlock(7), seccomp(2), capabilities(7), prctl(2).

my %numbers = (
    x64   => { execve => 59, prctl => 157, capset => 126, seccomp => 317, setsid => 112 },
    arm64 => { execve => 221, prctl => 167, capset => 91, seccomp => 277, setsid => 157 },
);
# The same everywhere.
my ($create_ruleset, $add_rule, $restrict_self) = (444, 445, 446);
my ($no_new_privs, $drop_bounding, $ambient, $clear_all) = (38, 24, 47, 4);
my ($o_path, $path_beneath) = (0x200000, 1);

my ($execute, $write_file, $read_file, $read_dir) = (0x1, 0x2, 0x4, 0x8);
my ($truncate, $ioctl_dev) = (0x4000, 0x8000);
my $of_files = $execute | $write_file | $read_file | $truncate | $ioctl_dev;
# By version of the interface: up to symbolic links; renaming across folders; truncating; devices.
my @rights = (0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff);

my @words = map { plain($_) } @ARGV;
my $call = $numbers{shift @words};
my ($filter, $tcp) = (pack('H*', shift @words), shift @words);
my @rules;
push @rules, [splice @words, 0, 2] while @words && $words[0] ne '--';
shift @words;
give_up('the system calls of this processor are not known') if !$call || length pack('P', '') != 8;

my ($version, $handled, $ruleset);
if ($tcp ne 'none') {
    $version = syscall $create_ruleset, 0, 0, 1;
    give_up("the kernel has no Landlock ($!)") if $version < 1;
    $handled = $rights[$version > @rights ? -1 : $version - 1];
    $ruleset = make_ruleset();
    allow(@$_) for @rules;
}
else { syscall $call->{setsid} }
must('no_new_privs', syscall $call->{prctl}, $no_new_privs, 1, 0, 0, 0);
drop_capabilities();
must('landlock_restrict_self', syscall $restrict_self, $ruleset, 0) if defined $ruleset;
my $program = pack 'S x6 P', length($filter) / 8, $filter;
must('seccomp', syscall $call->{seccomp}, 1, 0, $program);
become(@words);

sub plain { $_[0] =~ /\A(.*)\z/s; return $1 }

sub give_up { syswrite STDERR, "landlock: $_[0]\n"; exit 125 }

sub must { give_up("$_[0]: $!") if $_[1] < 0 }

# Fields an older kernel does not know must not be there.
sub make_ruleset {
    my @fields = ($handled);
    push @fields, $tcp eq 'closed' ? 3 : 0 if $version >= 4;
    push @fields, 3 if $version >= 6;
    my $attributes = pack 'Q*', @fields;
    my $made = syscall $create_ruleset, $attributes, length $attributes, 0;
    must('landlock_create_ruleset', $made);
    return $made;
}

sub allow {
    my ($kind, $path) = @_;
    sysopen my $place, $path, $o_path or return;
    my $allowed = $kind eq 'w' ? 0xffff & ~$ioctl_dev
        : $kind eq 'd' ? $read_file | $write_file | $truncate
        : $execute | $read_file | $read_dir;
    $allowed &= $of_files if !-d $place;
    my $attributes = pack 'Q l', $allowed & $handled, fileno $place;
    must('landlock_add_rule', syscall $add_rule, $ruleset, $path_beneath, $attributes, 0);
}

# Of the bounding set as far as it may; with no new privileges the others are not got back either.
sub drop_capabilities {
    for my $capability (0 .. 63) { syscall $call->{prctl}, $drop_bounding, $capability, 0, 0, 0 }
    syscall $call->{prctl}, $ambient, $clear_all, 0, 0, 0;
    my ($header, $none) = (pack('L l', 0x20080522, 0), "\0" x 24);
    must('capset', syscall $call->{capset}, $header, $none);
}

# Perl's own exec would look at PATH, which is the command's.
sub become {
    my @argv = @_;
    delete $ENV{PERL_BADLANG};
    my @environment = map { plain("$_=$ENV{$_}") } keys %ENV;
    $SIG{FPE} = 'DEFAULT';
    my ($arguments, $variables) = (pack('p*', @argv, undef), pack('p*', @environment, undef));
    syscall $call->{execve}, $argv[0], $arguments, $variables;
    give_up("$argv[0]: $!");
}
