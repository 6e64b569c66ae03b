import type { SandboxLayer } from '../../../../schemas/sandbox.ts';

/** A script that ends well where it got through, and the layer that is to keep it from that. */
export interface Attack {
  layer: SandboxLayer;
  script: string;
}

export type Attacks = Readonly<Record<string, Attack>>;

/** Ends well where the last value is true. `code` has no single quotes. */
export function perl(code: string): string {
  return `perl -MSocket -MFcntl -e 'exit(do { ${code} } ? 0 : 1)'`;
}

/** From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux. */
const calls = {
  add_key: [248, 217],
  bpf: [321, 280],
  inotify_add_watch: [254, 27],
  inotify_init1: [294, 26],
  io_uring_setup: [425, 425],
  kcmp: [312, 272],
  keyctl: [250, 219],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pidfd_open: [434, 434],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  ptrace: [101, 117],
  setns: [308, 268],
  userfaultfd: [323, 282],
} as const;

/** A system call by its number here, for Perl, which knows no names. */
export function call(name: keyof typeof calls, ...words: string[]): string {
  return `syscall(${[calls[name][process.arch === 'arm64' ? 1 : 0], ...words].join(', ')})`;
}
