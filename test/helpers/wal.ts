import { readFileSync } from 'node:fs';

const headerBytes = 32;
const frameHeaderBytes = 24;

/** How many transactions a SQLite log holds: frames that end one (sqlite.org/fileformat2.html#wal_file_format). */
export function countCommits(database: string): number {
  const wal = readFileSync(`${database}-wal`);
  const frameBytes = frameHeaderBytes + wal.readUInt32BE(8);
  let commits = 0;
  for (let at = headerBytes; at + frameBytes <= wal.length; at += frameBytes) {
    const ofThisLog = wal.subarray(at + 8, at + 16).equals(wal.subarray(16, 24));
    if (ofThisLog && wal.readUInt32BE(at + 4) !== 0) commits += 1;
  }
  return commits;
}
