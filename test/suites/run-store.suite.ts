import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunStore } from '../../coordinator/store/run-store.ts';
import { newRun } from '../helpers/runs.ts';
import { attemptCases } from './run-store/attempt.ts';
import { Bench } from './run-store/bench.ts';
import { controlCases } from './run-store/control.ts';
import { forgetCases } from './run-store/forget.ts';
import { hedgeCases } from './run-store/hedge.ts';
import { readingCases } from './run-store/reading.ts';
import { submitCases } from './run-store/submit.ts';
import { toldCases } from './run-store/told.ts';

export interface StoreUnderTest {
  store: RunStore;
  /** Closes the store and removes what it kept. */
  end(): Promise<void>;
}

/** What every RunStore promises. */
export function runStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a run store`, () => {
    let under: StoreUnderTest;
    const bench = new Bench(() => under.store);

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under.end();
    });

    submitCases(bench);
    attemptCases(bench);
    hedgeCases(bench);
    controlCases(bench);
    forgetCases(bench);
    readingCases(bench);
    toldCases(bench);

    it('keeps what was asked before close, and refuses what comes after it', async () => {
      const last = bench.store.submit([newRun()]);
      await bench.store.close();
      await bench.store.close();
      expect((await last)[0]?.kind).toBe('created');
      await expect(bench.store.submit([newRun()])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await expect(bench.store.get('run_x')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    });
  });
}
