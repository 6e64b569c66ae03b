// Prints the time, ms since the epoch, so many times, a few milliseconds apart.
import { writeSync } from 'node:fs';

let left = Number(process.argv[2]);
const timer = setInterval(() => {
  writeSync(1, `${(performance.timeOrigin + performance.now()).toFixed(3)}\n`);
  left -= 1;
  if (left === 0) clearInterval(timer);
}, 7);
