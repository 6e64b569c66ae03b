import { landlockLauncher, launcherEnvironment } from '../runner/landlock.ts';
import type { Confinement, ProcessSpec } from '../runner/process.ts';
import { realPaths } from './private-places.ts';

/** How a process is confined. */
export interface Way {
  readonly by: 'namespaces' | 'landlock';
  /** The same process, confined. */
  confine(spec: ProcessSpec, confinement: Confinement, files: 'whole' | 'in part'): ProcessSpec;
}

/** Whatever the machine's is: it is mounted there. */
const ownTmp = '/tmp';

export const byNamespaces: Way = {
  by: 'namespaces',
  confine: (spec, confinement) => ({
    ...spec,
    env: { ...spec.env, TMPDIR: ownTmp },
    tmpDir: ownTmp,
    confinement,
  }),
};

/** By itself, before it becomes the command. It keeps the temporary folder of its attempt, which is on disk. */
export function byLandlock(perl: string): Way {
  return {
    by: 'landlock',
    confine(spec, confinement, files) {
      const writable = [...confinement.writable, ...realPaths([spec.tmpDir])];
      const [first, ...words] = landlockLauncher(perl, { ...confinement, writable }, files);
      return {
        ...spec,
        env: { ...spec.env, ...launcherEnvironment },
        argv: [first, ...words, ...spec.argv],
      };
    },
  };
}
