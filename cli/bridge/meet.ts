import { isNewer } from '../../core/versions.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { version } from '../../platform/version.ts';
import { bridgeProtocol } from '../../schemas/server-info.ts';
import { readStanding } from '../fleet/standing.ts';
import type { Refusal } from './answers.ts';

/** How a bridge gets on with the coordinator that answers: it passes messages on, waits for the next one, or refuses. */
export type Meeting = 'fits' | 'wait' | Refusal;

/**
 * The newer version wins. An older coordinator is used until the one started here has taken over; a
 * newer one is used as it is, where both still speak the same.
 */
export function meetCoordinator(paths: FleetPaths, startCoordinator: () => Promise<void>): Meeting {
  const standing = readStanding(paths);
  if (standing === undefined) return 'fits';
  const isOld = isNewer(version, standing.version);
  if (isOld) startCoordinator().catch(() => undefined);
  if (standing.protocol === bridgeProtocol) return 'fits';
  if (isOld) return 'wait';
  return {
    code: 'CONFLICT',
    message: `The fleet runs codex-fleet ${standing.version}, which codex-fleet ${version} of this client cannot speak with.`,
    next: `Restart the client, so that it starts codex-fleet ${standing.version}; or run \`codex-fleet down\` and call again.`,
  };
}
