const checkMs = 200;

/**
 * Calls `gone` when the process that started this one has ended. A pipe another process inherited
 * stays open after its owner died, so the end of stdin alone does not tell.
 */
export function watchParent(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, checkMs);
  timer.unref();
}
