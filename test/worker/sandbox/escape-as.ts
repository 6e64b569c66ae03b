import { closeInherited } from '../../../platform/close-inherited.ts';
import { openEscapePlace, type EscapePlace } from './escape-place.ts';

/* Tries escapes as the user it runs as. RUNTIME, then as JSON what to try by profile; answers in JSON. */
const [runtime = '', asked = '[]'] = process.argv.slice(2);
const tries: Parameters<EscapePlace['escapes']>[] = JSON.parse(asked);

const place = await openEscapePlace(runtime);
try {
  const found = [];
  for (const [profile, ...more] of tries) {
    // As a worker does when it starts.
    if (profile !== 'off') closeInherited();
    found.push(await place.escapes(profile, ...more));
  }
  process.stdout.write(JSON.stringify(found));
} finally {
  await place.close();
}
