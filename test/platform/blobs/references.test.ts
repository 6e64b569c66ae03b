import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { nanoid } from 'nanoid';
import { afterAll, expect, it } from 'vitest';
import { openBlobs, type Blobs } from '../../../platform/blobs/blobs.ts';
import { openContent } from '../../../platform/blobs/content.ts';

/*
 * Whatever processes do with contents, side by side, and wherever one of them died: every name keeps its
 * whole content, and once all is quiet gc leaves the contents that have a name, and nothing else.
 */

/** In memory where there is such a folder: a thousand short lives on a disk take long. */
const top = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'blobs-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const contents = ['a', 'b', 'c'].map((name) => {
  const bytes = Buffer.from(`line of ${name}\n`.repeat(500));
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
});

type Step =
  | { do: 'adopt' | 'link' | 'compress' | 'unlink'; name: number; content: number }
  | { do: 'collect' }
  | { do: 'die'; at: 'link' | 'freed' | 'frames'; content: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('adopt', 'adopt', 'link', 'compress', 'unlink'),
      name: fc.nat(4),
      content: fc.nat(contents.length - 1),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'collect' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('die'),
      at: fc.constantFrom('link', 'freed', 'frames'),
      content: fc.nat(contents.length - 1),
    }),
  },
);

class Life {
  readonly #dir = mkdtempSync(join(top, 'life-'));
  readonly #blobDir = join(this.#dir, 'blobs');
  /** Each has the same folder, as processes have. */
  readonly #processes: readonly Blobs[] = [openBlobs(this.#blobDir), openBlobs(this.#blobDir)];
  readonly #names = new Map<number, number>();
  readonly #busy = new Set<number>();

  async take(one: Step, process: number): Promise<void> {
    const blobs = this.#processes[process % 2];
    if (blobs === undefined) return;
    if (one.do === 'collect') await blobs.collect();
    else if (one.do === 'die') this.#die(one.at, one.content);
    else if (!this.#busy.has(one.name)) {
      // A name is one process's own, which does one thing with it at a time.
      this.#busy.add(one.name);
      await this.#use(blobs, one.do, one.name, one.content);
      this.#busy.delete(one.name);
    }
  }

  async #use(blobs: Blobs, act: string, name: number, content: number): Promise<void> {
    const path = this.#path(name);
    const kept = this.#names.get(name);
    const { bytes, sha256 } = contents[kept ?? content] ?? { bytes: Buffer.alloc(0), sha256: '' };
    if (kept === undefined && act === 'adopt') {
      this.#names.set(name, content);
      writeFileSync(path, bytes);
      await blobs.adopt(path, sha256, bytes.length);
    } else if (kept === undefined && act === 'link') {
      if (await blobs.link(sha256, bytes.length, path)) this.#names.set(name, content);
    } else if (kept !== undefined && act === 'compress') {
      await blobs.compress(path, sha256, bytes.length);
    } else if (kept !== undefined && act === 'unlink') {
      this.#names.delete(name);
      rmSync(path);
    }
  }

  /** What a process leaves that dies between two steps. */
  #die(at: 'link' | 'freed' | 'frames', content: number): void {
    const sha256 = contents[content]?.sha256 ?? '';
    const folder = join(this.#blobDir, sha256.slice(0, 2));
    for (const blob of [sha256, `${sha256}.br`]) {
      if (!existsSync(join(folder, blob))) continue;
      if (at === 'link') linkSync(join(folder, blob), join(folder, `.link-${nanoid()}`));
      if (at === 'freed') renameSync(join(folder, blob), join(folder, `.freed-${blob}-${nanoid()}`));
      if (at === 'frames') writeFileSync(join(folder, `.frames-${nanoid()}`), 'half of it');
    }
  }

  async judge(): Promise<void> {
    const [blobs] = this.#processes;
    // What is given back is looked at anew the next time: its other names have just changed.
    for (let pass = 0; pass < 2; pass += 1) await blobs?.collect({ leftoverMs: 0 });
    const used = new Set<number>();
    for (const [name, content] of this.#names) {
      used.add(content);
      const { bytes } = contents[content] ?? { bytes: Buffer.alloc(0) };
      const stored = openContent(this.#path(name), bytes.length);
      const target = Buffer.alloc(bytes.length);
      expect(stored?.readInto(0, target)).toBe(bytes.length);
      stored?.close();
      expect(target.equals(bytes)).toBe(true);
    }
    const left = readdirSync(this.#blobDir).flatMap((folder) =>
      readdirSync(join(this.#blobDir, folder)).map((file) => join(this.#blobDir, folder, file)),
    );
    for (const file of left) expect(lstatSync(file).nlink, file).toBeGreaterThan(1);
    const hashes = new Set(left.map((file) => file.split('/').at(-1)?.slice(0, 64)));
    expect(hashes).toEqual(new Set([...used].map((content) => contents[content]?.sha256)));
  }

  async end(): Promise<void> {
    for (const name of this.#names.keys()) rmSync(this.#path(name), { force: true });
    const [blobs] = this.#processes;
    await blobs?.collect();
    expect(await blobs?.usage()).toEqual({ files: 0, bytes: 0 });
    rmSync(this.#dir, { recursive: true });
  }

  #path(name: number): string {
    return join(this.#dir, `name-${String(name)}`);
  }
}

it('gc frees all that nobody refers to and nothing else, whatever came before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
      async (turns) => {
        const life = new Life();
        for (const turn of turns) await Promise.all(turn.map((one, process) => life.take(one, process)));
        await life.judge();
        await life.end();
      },
    ),
    { numRuns: 600 },
  );
}, 30_000);
