import { FleetError } from '../../../../core/errors.ts';
import type { AnsweredBy } from '../../../../schemas/manifest.ts';
import type { Question } from '../../../../schemas/run.ts';

export interface Answered {
  answer: 'accept' | 'decline';
  by: AnsweredBy;
}

interface Pending {
  id: string | number;
  question: Question;
  settle(answered: Answered | undefined): void;
}

/** What a run waits to be told, one question at a time in the order they came. */
export class Questions {
  readonly #show: (question: Question | undefined) => void;
  #pending: Pending[] = [];

  constructor(show: (question: Question | undefined) => void) {
    this.#show = show;
  }

  /** Resolves with the answer; undefined where the question lapsed before one came. */
  ask(id: string | number, question: Question): Promise<Answered | undefined> {
    return new Promise((settle) => {
      this.#pending.push({ id, question, settle });
      if (this.#pending.length === 1) this.#show(question);
    });
  }

  /** WRONG_STATE where nothing is asked. */
  answer(answered: Answered): void {
    const first = this.#pending[0];
    if (first === undefined) throw new FleetError('WRONG_STATE', 'This run is not waiting for an answer.');
    this.#remove(first, answered);
  }

  /** The one who asked no longer wants to know. */
  lapse(id: string | number): void {
    const pending = this.#pending.find((one) => one.id === id);
    if (pending !== undefined) this.#remove(pending, undefined);
  }

  #remove(pending: Pending, answered: Answered | undefined): void {
    const wasShown = this.#pending[0] === pending;
    this.#pending = this.#pending.filter((one) => one !== pending);
    pending.settle(answered);
    if (wasShown) this.#show(this.#pending[0]?.question);
  }
}
