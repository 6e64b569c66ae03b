/** Checks that print one line each and are added up in the closing line. */
export class Report {
  passed = 0;
  failed = 0;
  failures = [];

  /** Prints `ok` or `FAILED` with the time it took, and on failure what it said and how to fix it. */
  add({ name, ok, ms, output = '', fix = '' }) {
    const seconds = `${(ms / 1000).toFixed(1)} s`;
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds})`);
    if (ok) {
      this.passed += 1;
      return;
    }
    this.failed += 1;
    this.failures.push(name);
    console.log(output.trimEnd());
    console.log(`  To fix: ${fix}`);
  }

  /** Adds the counts of a suite that reports its own tests. */
  addTests({ passed, failed, failures }) {
    this.passed += passed;
    this.failed += failed;
    this.failures.push(...failures);
  }

  /** What failed, a line each, the closing line, and the exit code that goes with it. */
  close() {
    for (const failure of this.failures) console.log(`failed: ${failure}`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
