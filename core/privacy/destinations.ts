import { privateTypes, type PrivateType } from '../../schemas/privacy.ts';

export type Allowed = Readonly<Record<string, readonly PrivateType[]>>;

/** Where values may be put back, and which, unless the configuration says otherwise. */
const usual: Allowed = {
  'codex-local': ['EMAIL', 'PHONE', 'PERSON'],
  apply: privateTypes,
  export: privateTypes,
};

/** A worker the coordinator started itself, under the same account on the same host. */
const localName = 'codex-local';

/** The names under which a worker may be allowed to see values. A label cannot make a remote worker a local one. */
export function destinationsOf(worker: {
  origin: 'local' | 'remote';
  labels: ReadonlySet<string>;
}): string[] {
  const labels = [...worker.labels].filter((label) => label !== localName);
  return worker.origin === 'local' ? [localName, ...labels] : labels;
}

/** What may be put back on the way to any of these. */
export function typesFor(allow: Allowed, destinations: readonly string[]): ReadonlySet<PrivateType> {
  const allowed = { ...usual, ...allow };
  return new Set(destinations.flatMap((name) => (Object.hasOwn(allowed, name) ? (allowed[name] ?? []) : [])));
}
