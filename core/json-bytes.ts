/** UTF-8 bytes of a value as JSON: what it takes in a reply. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** The beginning of a text, ending in `…`, whose JSON has at most `maxBytes` bytes (at least 5). */
export function clipToJsonBytes(text: string, maxBytes: number): string {
  let kept = text;
  let clipped = text;
  for (let size = jsonBytes(clipped); size > maxBytes && kept !== ''; size = jsonBytes(clipped)) {
    const length = Math.min(kept.length - 1, Math.floor((kept.length * maxBytes) / size));
    kept = kept.slice(0, length).replace(/[\ud800-\udbff]$/, '');
    clipped = `${kept}…`;
  }
  return clipped;
}
