import { defineCommand } from '../command.ts';
import { processEnv } from '../../platform/environment.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { startReader } from '../../servers/reader/main.ts';

export const reader = defineCommand({
  name: 'reader',
  usage: '',
  about: 'Answers for workers that are gone, from copies of their handles. The coordinator starts it.',
  examples: ['codex-fleet reader'],
  options: {},
  run: async () => {
    const log = createLogger({ name: 'reader', level: processEnv['CODEX_FLEET_LOG_LEVEL'] });
    const { replicaDir, blobDir } = fleetPaths(processEnv);
    const { closed } = await startReader(replicaDir, blobDir, log);
    await closed;
    return 0;
  },
});
