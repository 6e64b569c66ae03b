import type { PrivateType } from '../../../core/privacy/finding.ts';

/** `PROSE` is a person's name in running text: printed, but held to no target. */
export type Label = PrivateType | 'PROSE';

export interface Labelled {
  text: string;
  labels: { type: Label; start: number; end: number }[];
  negatives: { kind: string; start: number; end: number }[];
}

/** Collects text with what in it is private, and what only looks so. Places count UTF-16 units. */
export class Writer {
  #text = '';
  readonly #labels: Labelled['labels'] = [];
  readonly #negatives: Labelled['negatives'] = [];

  /** Plain text and labelled values in turns: `add('to ', email('a@b.org'), '\n')`. */
  add(...parts: readonly (string | Part)[]): this {
    for (const part of parts) {
      if (typeof part === 'string') {
        this.#text += part;
        continue;
      }
      const start = this.#text.length;
      this.#text += part.text;
      const end = this.#text.length;
      if ('type' in part) this.#labels.push({ type: part.type, start, end });
      else this.#negatives.push({ kind: part.kind, start, end });
    }
    return this;
  }

  get length(): number {
    return this.#text.length;
  }

  done(): Labelled {
    return { text: this.#text, labels: this.#labels, negatives: this.#negatives };
  }
}

export type Part = { text: string; type: Label } | { text: string; kind: string };

export const email = (text: string): Part => ({ text, type: 'EMAIL' });
export const phone = (text: string): Part => ({ text, type: 'PHONE' });
export const named = (text: string): Part => ({ text, type: 'PERSON' });
export const prose = (text: string): Part => ({ text, type: 'PROSE' });
export const secret = (text: string): Part => ({ text, type: 'SECRET' });
