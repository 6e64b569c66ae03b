/** Formats Git knows by name. Any other name is looked up in the repository's configuration. */
const namedFormats = new Set('oneline short medium full fuller reference email raw mboxrd'.split(' '));

/** Placeholders that make Git run the program which checks signatures. */
const asksForSignature = /%[-+ ]?G|signature/i;

/** Whether Git can be given this for `--format` without running anything. */
export function isFormat(value: string): boolean {
  if (namedFormats.has(value)) return true;
  return /^(?:t?format:|[^%]*%)/.test(value) && !asksForSignature.test(value);
}

/**
 * Whether a path, as it is written, stays in `cwd`. Links are not followed: a sandbox does that. An
 * operand that is no path, such as `main..topic`, passes as one that stays.
 */
export function isInsidePath(value: string, cwd: string | undefined): boolean {
  const parts = value.split('/');
  if (parts.includes('..') || value.startsWith('~')) return false;
  // `HEAD:../x` and `:/x` are looked up in a tree, `:(top)../x` from the top of the work tree.
  if (!value.startsWith('/')) return true;
  return cwd !== undefined && (value === cwd || value.startsWith(cwd.endsWith('/') ? cwd : `${cwd}/`));
}
