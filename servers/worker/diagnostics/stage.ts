import type { Git } from './git.ts';
import type { Print } from './print.ts';

/** What a stage works with. It only reads. */
export interface StageContext {
  cwd: string;
  /** undefined outside a work tree. */
  git: Git | undefined;
  print: Print;
}

export type Stage = (context: StageContext) => Promise<void>;
