import { z } from 'zod';

/** The notification by which a newer coordinator asks the one that runs to make way; an older one asks in vain. */
export const handOverMethod = 'notifications/codex-fleet/hand-over';

/** Of the one that asks. */
export const handOverParams = z.object({ version: z.string() });
