import { z } from 'zod';

/** The notification by which credentials travel from process to process: over private sockets, into memory only. */
export const credentialsMethod = 'notifications/codex-fleet/credentials';

/** Values by variable name. */
export const credentialsParams = z.object({ values: z.record(z.string(), z.string()) });
