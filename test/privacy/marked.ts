import { guardText } from '../../core/privacy/guard.ts';
import type { KnownValue } from '../../core/privacy/detectors/known-values.ts';
import type { PrivateType, Replace } from '../../core/privacy/finding.ts';

/** Shows in the text itself what was found: `[EMAIL jane@example.com]`. */
export const show: Replace = ({ type, value }) => `[${type} ${value}]`;

export function marked(
  text: string,
  types?: readonly PrivateType[],
  knownValues: readonly KnownValue[] = [],
): string {
  return guardText(text, { replace: show, knownValues, ...(types === undefined ? {} : { types }) });
}
