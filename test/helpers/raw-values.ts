import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The ways in which a value may stand in a file of a program that writes JSON, URLs, base64 or hex. */
function formsOf(value: string): Buffer[] {
  const bytes = Buffer.from(value);
  const inBase64 = [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last characters also hold bits of what stands beside the value.
    return text.slice(Math.ceil((lead * 4) / 3), (lead + bytes.length) % 3 === 0 ? undefined : -1);
  });
  const texts = [
    value,
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...texts.map((text) => Buffer.from(text)), Buffer.from(value, 'utf16le')];
}

/** Where below some folders any of the values stands: `file: value`. Special files are no files; links lead nowhere. */
export function rawValuesBelow(folders: readonly string[], values: readonly string[]): string[] {
  const wanted = values.map((value) => ({ value, forms: formsOf(value) }));
  const found: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) for (const name of entriesOf(path)) visit(join(path, name));
    if (stat?.isFile() !== true) return;
    const content = contentOf(path);
    for (const { value, forms } of wanted)
      if (forms.some((form) => content.includes(form)) || path.includes(value))
        found.push(`${path}: ${value}`);
  };
  for (const folder of folders) visit(folder);
  return found;
}

/** Files of a fleet that runs come and go. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
