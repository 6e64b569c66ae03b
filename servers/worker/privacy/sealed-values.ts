import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { Replaced } from '../../../core/privacy/surrogate-guard.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { createSealer, type Sealer } from '../../../platform/privacy/sealing.ts';
import { sealedValue, type SealedValue } from '../../../schemas/privacy.ts';
import { valuesFile } from './sealed-files.ts';

/** What the surrogates of a run stand for, for its coordinator alone to read: kept until that has fetched it. */
export interface SealedValues {
  /** On disk when it returns; throws where the disk refuses. */
  add(replaced: Replaced): void;
  readonly count: number;
  read(from: number, most: number): SealedValue[];
  remove(): void;
}

/** For whom, and of which task. */
export interface Recipient {
  task_id: string;
  publicKey: () => Uint8Array;
}

/** Without a recipient nothing can be added. */
export function openSealedValues(dir: string, runId: string, recipient?: Recipient): SealedValues {
  const file = valuesFile(dir, runId);
  let sealer: Sealer | undefined;
  let known: number | undefined;
  const lines = (): string[] => readIfThere(file).split('\n').slice(0, -1);
  return {
    get count() {
      return (known ??= lines().length);
    },
    add({ surrogate, type, raw }) {
      if (recipient === undefined) return;
      known ??= lines().length;
      if (known === 0) mkdirSync(dir, { recursive: true, mode: 0o700 });
      sealer ??= createSealer(recipient.publicKey());
      const box = sealer.seal(raw, `${recipient.task_id}|${surrogate}`).toString('base64');
      const sealed: SealedValue = { surrogate, type, ephemeral: sealer.ephemeral.toString('base64'), box };
      appendFileSync(file, `${JSON.stringify(sealed)}\n`, { mode: 0o600 });
      known += 1;
    },
    read: (from, most) =>
      lines()
        .slice(from, from + most)
        .map((line) => sealedValue.safeParse(parseJson(line)))
        .flatMap((parsed) => (parsed.success ? [parsed.data] : [])),
    remove: () => {
      rmSync(file, { force: true });
    },
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
