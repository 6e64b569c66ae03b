import type { Asked } from './asked.ts';

/** So many hosts are named, the others counted. */
const mostNamed = 6;
const mostKept = 100;

/** What a run reached and was refused, for its manifest: names of hosts, which are letters, digits and dots. */
export class Tally {
  readonly #reached = new Map<string, number>();
  readonly #refused = new Map<string, number>();

  reached(asked: Asked): void {
    add(this.#reached, nameOf(asked));
  }

  /** undefined: the request named no host in a way that is understood. */
  refused(asked: Asked | undefined): void {
    add(this.#refused, asked === undefined ? 'requests not understood' : nameOf(asked));
  }

  /** undefined where nothing was asked. */
  note(): string | undefined {
    const parts = [
      ...(this.#reached.size === 0 ? [] : [`reached ${[...list(this.#reached, false)].join(', ')}`]),
      ...(this.#refused.size === 0 ? [] : [`refused ${[...list(this.#refused, true)].join(', ')}`]),
    ];
    return parts.length === 0 ? undefined : `Network: ${parts.join('; ')}.`;
  }
}

function nameOf({ host, port }: Asked): string {
  const name = host.name.length > 60 ? `${host.name.slice(0, 60)}…` : host.name;
  return `${name.includes(':') ? `[${name}]` : name}:${String(port)}`;
}

function add(counts: Map<string, number>, name: string): void {
  if (counts.has(name) || counts.size < mostKept) counts.set(name, (counts.get(name) ?? 0) + 1);
}

function* list(counts: Map<string, number>, withCounts: boolean): Generator<string> {
  const named = [...counts].slice(0, mostNamed);
  for (const [name, count] of named) yield withCounts && count > 1 ? `${name} ×${String(count)}` : name;
  const more = counts.size - named.length;
  if (more > 0) yield `${String(more)}${counts.size === mostKept ? ' or more' : ''} others`;
}
