/** One figure, and what it has to be. */
export interface Row {
  what: string;
  figure: number;
  unit: string;
  bound?: { most: number } | { least: number };
}
