import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { copyHandle } from '../fleet/copy-handle.ts';
import { createRestoring, exportOriginal } from '../fleet/export-original.ts';
import { formatBytes, print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { handleId, plainName } from '../../schemas/ids.ts';

export const exportCommand = defineCommand({
  name: 'export',
  usage: '[OPTIONS] HANDLE FILE',
  about:
    'Writes what a handle keeps to a new file, with the private values that were replaced in it: diffs and\n' +
    'artifacts to the byte, other output as far as the values are kept. Which types a sink may have says\n' +
    '"privacy.allow" in the configuration; every export is on record (`codex-fleet privacy restores`).',
  examples: [
    'codex-fleet export hdl_V1StGXR8Z5jdHi6BmyT01 report.csv',
    'codex-fleet export --sink backup hdl_V1StGXR8Z5jdHi6BmyT01 /mnt/backup/report.csv',
  ],
  options: { sink: { type: 'string', value: 'NAME', about: 'Where it goes; default export' } },
  run: async ({ values, positionals, json }) => {
    const [handle, file] = positionals;
    if (handle === undefined || file === undefined || positionals.length > 2)
      throw wrongUsage('export', 'Name one handle and one file');
    if (!handleId.safeParse(handle).success)
      throw wrongUsage('export', `"${handle}" is not a handle (hdl_…)`);
    const sink = values.sink ?? 'export';
    if (!plainName.safeParse(sink).success) throw wrongUsage('export', `"${sink}" is no name of a sink`);
    const bytes = await withFleet(connectFleet(fleetPaths(processEnv)), async (fleet) => {
      const original = await exportOriginal(fleet, handle, sink);
      const fd = openSync(file, 'wx', 0o600);
      try {
        let written = 0;
        const write = (part: Uint8Array): void => {
          writeFileSync(fd, part);
          written += part.length;
        };
        if (original !== undefined) {
          write(original);
          return written;
        }
        const restoring = createRestoring(fleet, handle, sink);
        await copyHandle(
          (request) => fleet.call('read_handle', request),
          handle,
          async (chunk) => {
            write(await restoring.take(chunk));
          },
        );
        write(await restoring.end());
        return written;
      } catch (error) {
        // Half of it, or an empty file, looks like the whole.
        rmSync(file);
        throw error;
      } finally {
        closeSync(fd);
      }
    });
    if (json) printJson({ handle_id: handle, file, sink, bytes });
    else print(`${file}: ${formatBytes(bytes)}`);
    return 0;
  },
});
