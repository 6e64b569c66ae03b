// Writes so many bytes to the file given and removes it: the memory they took is what the next file gets.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';

const [file, bytes] = process.argv.slice(2);
const block = Buffer.alloc(1 << 20, 'x');
const fd = openSync(file, 'w');
for (let left = Number(bytes); left > 0; left -= block.length) writeSync(fd, block);
closeSync(fd);
rmSync(file);
