import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hiddenBeside } from '../../../../servers/worker/engines/codex/hidden-places.ts';
import { scratchFolder } from '../../../helpers/scratch.ts';

it('hides all of a folder but the way to what is needed in it', async () => {
  const root = scratchFolder();
  const at = (name: string): string => join(root, name);
  for (const name of ['state/runs/own/tmp', 'state/runs/other', 'sign-in', 'many/own']) {
    mkdirSync(at(name), { recursive: true });
  }
  for (let n = 0; n < 70; n += 1) writeFileSync(at(`many/${String(n)}`), '');
  writeFileSync(at('state/secret'), '');
  writeFileSync(at('sign-in/auth.json'), '');
  symlinkSync(at('sign-in/auth.json'), at('state/runs/own/auth.json'));
  const hidden = ['state', 'sign-in', 'missing', 'many'].map(at);
  const needed = [at('state/runs/own/tmp'), at('many/own')];
  expect((await hiddenBeside(hidden, needed)).sort()).toEqual(
    ['sign-in', 'state/runs/other', 'state/secret'].map(at),
  );
});
