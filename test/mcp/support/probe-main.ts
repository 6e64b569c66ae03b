import { serveStdio } from '../../../mcp/serve-stdio.ts';
import { inertFleet } from '../../../scripts/lib/live-tools.ts';
import { createProbe } from './probe.ts';

/** A stdio server of its own process: the probe, or the fleet's contracts with `fleet` as argument. */
const service = await serveStdio(process.argv[2] === 'fleet' ? inertFleet : createProbe().factory);
// A timer keeps the process alive unless the end of stdin ends it.
const alive = setInterval(() => undefined, 1_000);
await service.closed;
clearInterval(alive);
