/** Answers of `look`, kept until this turn of the event loop is over: one call asks for the same several times. */
export function onceATurn<T>(look: (about: string) => T): (about: string) => T {
  const seen = new Map<string, { answer: T }>();
  return (about) => {
    const known = seen.get(about);
    if (known !== undefined) return known.answer;
    const answer = look(about);
    if (seen.size === 0) {
      setImmediate(() => {
        seen.clear();
      });
    }
    seen.set(about, { answer });
    return answer;
  };
}
