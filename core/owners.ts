/** In place of an owner: sees what all own. No owner can have this name, which is none of `plainName`. */
export const everyone = '*';

/** Whether `viewer` may see and end what `owner` owns. */
export function covers(viewer: string, owner: string): boolean {
  return viewer === owner || viewer === everyone;
}
