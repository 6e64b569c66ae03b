import type { RecordFilter } from '../../../../core/json-filter.ts';
import { pointerKeys } from '../../../../core/json-filter.ts';
import { resolvePointer } from '../../../../core/json-pointer.ts';
import { jsonBytes } from '../../../../core/page.ts';
import { visibleJson } from '../../../../core/visible-json.ts';

const defaultRecords = 50;

/** Where a record stands in the content. */
export interface Place {
  offset: number;
  length: number;
}

/** Records as JSON lines, filtered and reduced to the fields asked for, as many as a page holds. */
export class RecordPage {
  text = '';
  records = 0;
  /** The first record that was too large to be shown. */
  clipped: Place | undefined;
  readonly fields: readonly { name: string; keys: readonly string[] }[] | undefined;
  readonly filter: RecordFilter | undefined;
  readonly #most: number;
  #left: number;

  constructor(options: {
    filter: RecordFilter | undefined;
    fields: readonly string[] | undefined;
    count: number | undefined;
    budget: number;
  }) {
    this.filter = options.filter;
    this.fields = options.fields?.map((name) => ({ name, keys: pointerKeys(name) }));
    this.#most = options.count ?? defaultRecords;
    this.#left = options.budget;
  }

  /** Takes in a record; false where there is no room for it: it begins the next page. */
  add(value: unknown, place: Place): boolean {
    if (this.filter?.accepts(resolvePointer(value, this.filter.keys)) === false) return true;
    return this.addAsIs(this.#project(value), place);
  }

  /** The same for one that is known to be asked for, and reduced to its fields. */
  addAsIs(value: unknown, place: Place): boolean {
    if (this.records >= this.#most) return false;
    if (this.#write(value)) return true;
    return this.records > 0 ? false : this.addClipped(place);
  }

  /** The same for one that is too large to be shown or looked into. */
  addClipped(place: Place, keys?: Record<string, string>): boolean {
    if (this.records >= this.#most) return false;
    const said = { byte: place.offset, bytes: place.length, ...(keys === undefined ? {} : { keys }) };
    if (!this.#write({ $clipped: said }) && this.records > 0) return false;
    this.clipped ??= place;
    return true;
  }

  #write(value: unknown): boolean {
    const line = `${visibleJson(value)}\n`;
    const cost = jsonBytes(line);
    if (cost > this.#left) return false;
    this.#left -= cost;
    this.text += line;
    this.records += 1;
    return true;
  }

  #project(value: unknown): unknown {
    if (this.fields === undefined) return value;
    const kept = this.fields.flatMap(({ name, keys }): [string, unknown][] => {
      const found = resolvePointer(value, keys);
      return found === undefined ? [] : [[name, found]];
    });
    return Object.fromEntries(kept);
  }
}
