import type { Attacks } from './attacks/attack.ts';
import { onDevices, onFiles, onFilesOfRoot } from './attacks/files.ts';
import { inherited, ofCalls, ofCapabilities, ofKeys, undoing } from './attacks/kernel.ts';
import { onNetwork, onNetworkOfRoot, vsock } from './attacks/network.ts';
import { onProcesses } from './attacks/processes.ts';

/**
 * What a command may do where nothing confines it, and is not to do in a sandbox; EscapePlace says what its
 * variables name. Each is a real one: without a sandbox it gets through.
 */
export const allAttacks: Attacks = { ...onFiles, ...onProcesses, ...onNetwork };

/** The same, for root alone. */
export const attacksOfRoot: Attacks = { ...onFilesOfRoot, ...onNetworkOfRoot, ...ofCapabilities };

const basic =
  'home-secret home-token-file secret-by-link secret-by-hard-link secret-by-proc-root secret-by-cwd-of-others neighbour-codex-home tmp-of-others write-outside write-home truncate-outside truncate-unopened mode-outside remove-outside move-inside environment-of-others maps-of-others signal-to-others limits-of-others tcp udp abstract-socket socket-of-the-fleet';

/** Those that need no more than a secret, a folder, and some sockets. */
export const attacks: Attacks = Object.fromEntries(
  Object.entries(allAttacks).filter(([name]) => basic.split(' ').includes(name)),
);

/** Real where a worker was started with files left open for it. */
export const attacksOnInherited: Attacks = inherited;

/** Closed by `strict` alone. */
export const attacksOnCalls: Attacks = ofCalls;

/** Not real on every machine, or nowhere without a sandbox. */
export const attacksWithoutTwin: Attacks = { ...onDevices, ...undoing, ...ofKeys, ...vsock };

export function scriptsOf(...some: readonly Attacks[]): Record<string, string> {
  return Object.fromEntries(
    some.flatMap((them) => Object.entries(them).map(([name, { script }]) => [name, script])),
  );
}
