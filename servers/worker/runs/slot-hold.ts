import type { Slots } from './slots.ts';

/**
 * What one run has of its worker's slots: none, one, none while it waits for an answer (`freed`), or
 * none yet again now that it was answered (`awaited`).
 */
export class SlotHold {
  readonly #slots: Slots;
  #state: 'none' | 'held' | 'freed' | 'awaited' = 'none';
  #withdraw: () => void = () => undefined;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** As told to a coordinator; undefined where its status says it all. */
  get told(): 'freed' | 'awaited' | undefined {
    return this.#state === 'freed' || this.#state === 'awaited' ? this.#state : undefined;
  }

  /** Somebody took the slot for it. */
  adopt(): void {
    this.#state = 'held';
  }

  /** NO_CAPACITY where no slot is free. */
  take(): void {
    this.#slots.take(1);
    this.#state = 'held';
  }

  /** Lends the slot out while the run waits for an answer, where the bound of those allows it. */
  free(): void {
    if (this.#state === 'held' && this.#slots.park()) this.#state = 'freed';
  }

  /** Calls `held` once the run has a slot: at once where it has one or one is free. */
  regain(held: () => void): void {
    if (this.#state !== 'freed') {
      if (this.#state === 'held') held();
      return;
    }
    this.#state = 'awaited';
    this.#withdraw = this.#slots.reclaim(() => {
      this.#state = 'held';
      held();
    });
  }

  /** Whatever it has goes back. Idempotent. */
  release(): void {
    const state = this.#state;
    this.#state = 'none';
    if (state === 'held') this.#slots.release(1);
    if (state === 'awaited') this.#withdraw();
    if (state === 'freed' || state === 'awaited') this.#slots.unpark();
  }
}
