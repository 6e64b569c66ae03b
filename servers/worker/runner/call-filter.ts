import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One instruction of classic BPF, as linux/filter.h has it. */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

const loadWord = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const jumpIfAnyBit = 0x45;
const keepBits = 0x54;
const giveBack = 0x06;

/* Answers of a filter, linux/seccomp.h; the low half of an error is its errno. */
const allow = 0x7fff_0000;
const notPermitted = 0x0005_0001;
const notImplemented = 0x0005_0026;
const kill = 0x8000_0000;

/* Offsets in struct seccomp_data. */
const callNumber = 0;
const architecture = 4;
const firstArgument = 16;
const secondArgument = 24;

const newUserNamespace = 0x1000_0000;
/* Address families, linux/socket.h: Unix; IPv4, IPv6, netlink (to list addresses). */
const localFamilies = [1];
const networkFamilies = [2, 10, 16];
/* Types of a socket, linux/net.h: a pair of these stays with each other, a datagram goes to whom it names. */
const typeBits = 0xf;
const pairedTypes = [1, 5];

interface Numbers {
  /** AUDIT_ARCH_…, linux/audit.h. */
  architecture: number;
  /** Other numbers from here on: x32, where calls have second names. */
  limit: number | undefined;
  socket: number;
  socketpair: number;
  clone: number;
  clone3: number;
  prlimit64: number;
  /** What Landlock does not see: modes, owners, attributes and times are changed, and files watched. */
  unseen: readonly number[];
  /** add_key, request_key, keyctl. */
  keys: readonly number[];
  /** Refused: ptrace, mounts, namespaces, modules, keys, BPF, io_uring, other processes' memory, clocks. */
  refused: readonly number[];
}

/** From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux. */
const numbers: Partial<Record<NodeJS.Architecture, Numbers>> = {
  x64: {
    architecture: 0xc000_003e,
    limit: 0x4000_0000,
    socket: 41,
    socketpair: 53,
    clone: 56,
    clone3: 435,
    prlimit64: 302,
    keys: [248, 249, 250],
    unseen: [
      90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 254, 260, 261, 268, 280, 300, 452, 463, 466,
      469,
    ],
    refused: [
      101, 155, 161, 163, 164, 165, 166, 167, 168, 169, 172, 173, 175, 176, 227, 246, 248, 249, 250, 272, 298,
      303, 304, 305, 308, 310, 311, 312, 313, 320, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438,
      442,
    ],
  },
  arm64: {
    architecture: 0xc000_00b7,
    limit: undefined,
    socket: 198,
    socketpair: 199,
    clone: 220,
    clone3: 435,
    prlimit64: 261,
    keys: [217, 218, 219],
    unseen: [5, 6, 7, 14, 15, 16, 27, 52, 53, 54, 55, 88, 262, 452, 463, 466, 469],
    refused: [
      39, 40, 41, 51, 89, 97, 104, 105, 106, 112, 117, 142, 170, 217, 218, 219, 224, 225, 241, 264, 265, 266,
      268, 270, 271, 272, 273, 280, 282, 294, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442,
    ],
  },
};

/** io_uring, which opens sockets no filter sees. */
const rings = [425, 426, 427];

type Refuses = 'much' | 'little';

export interface Filtered {
  network: boolean;
  /**
   * much: all that may get a command further than it should; little: keys its user has in the kernel, and what gets
   * round a filter of sockets.
   */
  refuses: Refuses;
  /** Whether a Unix socket reaches nobody outside; else there are none but pairs. */
  localSockets: boolean;
  /** Whether what Landlock does not see of files is refused. */
  refusesUnseen: boolean;
}

/**
 * A seccomp program, as seccomp(2) and bwrap's `--seccomp` take it; undefined where the numbers of this
 * processor's calls are not known. Everything is allowed but what it names, sockets of other families than
 * a run needs, and for `much` new user namespaces. There `clone3` is said to be missing, so that programs
 * fall back to `clone`, whose flags a filter can see.
 */
export function callFilter(processor: NodeJS.Architecture, filtered: Filtered): Buffer | undefined {
  const known = numbers[processor];
  if (known === undefined) return undefined;
  const { network, refuses, localSockets, refusesUnseen } = filtered;
  const refused = [...refusedCalls(known, refuses), ...(refusesUnseen ? known.unseen : [])];
  const families = [...(localSockets ? localFamilies : []), ...(network ? networkFamilies : [])];
  const program: Instruction[] = [
    [loadWord, 0, 0, architecture],
    [jumpIfEqual, 1, 0, known.architecture],
    [giveBack, 0, 0, kill],
    [loadWord, 0, 0, callNumber],
    ...(known.limit === undefined ? [] : answer([jumpIfAtLeast, 0, 1, known.limit], notPermitted)),
    ...refused.flatMap((call) => answer([jumpIfEqual, 0, 1, call], notPermitted)),
    ...(refuses === 'much' ? noNewUsers(known) : []),
    ...only(known.socket, [[loadWord, 0, 0, firstArgument]], families),
    ...(localSockets
      ? []
      : [
          ...only(
            known.socketpair,
            [
              [loadWord, 0, 0, secondArgument],
              [keepBits, 0, 0, typeBits],
            ],
            pairedTypes,
          ),
          // 0 is the process itself: another's limit of CPU time would end it.
          ...only(known.prlimit64, [[loadWord, 0, 0, firstArgument]], [0]),
        ]),
    [giveBack, 0, 0, allow],
  ];
  return Buffer.concat(program.map(encode));
}

function refusedCalls({ keys, refused }: Numbers, refuses: Refuses): readonly number[] {
  return refuses === 'much' ? refused : [...rings, ...keys];
}

function noNewUsers({ clone, clone3 }: Numbers): Instruction[] {
  return [
    ...answer([jumpIfEqual, 0, 1, clone3], notImplemented),
    [jumpIfEqual, 0, 4, clone],
    [loadWord, 0, 0, firstArgument],
    [jumpIfAnyBit, 0, 1, newUserNamespace],
    [giveBack, 0, 0, notPermitted],
    [giveBack, 0, 0, allow],
  ];
}

/** Refuses a call unless what `load` finds in its arguments is one of these. */
function only(call: number, load: readonly Instruction[], values: readonly number[]): Instruction[] {
  const body: Instruction[] = [
    ...load,
    ...values.map((value, at): Instruction => [jumpIfEqual, values.length - at, 0, value]),
    [giveBack, 0, 0, notPermitted],
    [giveBack, 0, 0, allow],
  ];
  return [[jumpIfEqual, 0, body.length, call], ...body];
}

function answer(test: Instruction, value: number): Instruction[] {
  return [test, [giveBack, 0, 0, value]];
}

function encode([code, whenTrue, whenFalse, operand]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

/** Runs `use` with a descriptor of a nameless file that holds the program, at its beginning. */
export function withFilter<Result>(program: Buffer, use: (fd: number) => Result): Result {
  const file = join(tmpdir(), `codex-fleet-${randomBytes(12).toString('hex')}`);
  writeProgram(file, program);
  const fd = openSync(file, 'r');
  unlinkSync(file);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function writeProgram(file: string, program: Buffer): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeSync(fd, program);
  } finally {
    closeSync(fd);
  }
}
