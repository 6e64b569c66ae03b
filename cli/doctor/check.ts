import { FleetError } from '../../core/errors.ts';

/** What `doctor` found out about one thing the fleet needs or can use. */
export interface Check {
  name: string;
  /** `warning`: the fleet works without. */
  state: 'ok' | 'warning' | 'failed';
  /** What is there, or what is wrong. */
  found: string;
  /** The exact thing to do; on everything that is not ok. */
  fix?: string;
}

/** A check that must not end the others: what it throws is what it found. `fix`: where the error has none of its own. */
export async function tryCheck(
  name: string,
  fix: string,
  check: () => Promise<Check[]> | Check[],
): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    const found = error instanceof Error ? error.message : 'failed';
    return [{ name, state: 'failed', found, fix: error instanceof FleetError ? error.next : fix }];
  }
}
