import { open, readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../../core/parse-json.ts';
import { failpoint } from '../../platform/failpoint.ts';

/** How far the changes of runs were exported, kept in a file. */
export interface Mark {
  /**
   * 0 where the file is unreadable: all is exported again. Where there is none, nothing was exported so far
   * and nothing before `begin()` shall be: that is kept, and answered.
   */
  read(begin: () => Promise<number>): Promise<number>;
  write(seq: number): Promise<void>;
  remove(): Promise<void>;
}

const content = z.object({ seq: z.int() });

export function openMark(file: string): Mark {
  async function write(seq: number): Promise<void> {
    failpoint('manifest.mark.before');
    const beside = await open(`${file}.new`, 'w', 0o600);
    try {
      await beside.writeFile(JSON.stringify({ seq }));
    } finally {
      await beside.close();
    }
    await rename(`${file}.new`, file);
    failpoint('manifest.mark.after');
  }
  return {
    async read(begin) {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        return '';
      });
      if (text !== undefined) return content.safeParse(parseJson(text)).data?.seq ?? 0;
      const seq = await begin();
      await write(seq);
      return seq;
    },
    write,
    remove: () => rm(file, { force: true }),
  };
}
