import type { Found } from './detectors/detector.ts';

/** A table with a heading: which cells of the lines below hold names. */
export interface Table {
  delimiter: string;
  cells: number;
  names: readonly number[];
}

const rank = 22;

const nameHeading =
  /^(?:(?:first|last|full|given|family|middle|sur|maiden|customer|contact|author|employee|patient|recipient|sender|owner|manager|user|display|real|legal|person|student|client|committer|reviewer|cardholder|billing|shipping)?[ _-]?name|surname|forename|customer|employee|patient|recipient|author|owner|manager|assignee|reporter|cardholder|contact|vorname|nachname|nombre|apellidos?|nome|cognome|prenom|prénom|nom)$/i;
const heading = /^[A-Za-z\x80-\xff][\w \x80-\xff.#-]{0,40}$/;
/** `name` alone is a person's only beside another column about people. */
const aboutPeople =
  /e-?mail|phone|mobile|birth|gender|surname|last.?name|first.?name|salary|address|employee|customer|patient|contact/i;

const notHeadings = /[@=<>{}[\]:/\\]/;

/** The table that a line of headings opens, if some of them are of names. */
export function tableOf(line: string): Table | undefined {
  if (line.length > 4_096 || notHeadings.test(line)) return undefined;
  for (const delimiter of [',', ';', '\t', '|']) {
    if (!line.includes(delimiter)) continue;
    const headings = cellsOf(line, delimiter).map(({ start, end }) => line.slice(start, end).trim());
    if (headings.length < 2 || !headings.every((one) => heading.test(one))) continue;
    const sure = headings.some((one) => aboutPeople.test(one));
    const names = headings.flatMap((one, at) =>
      nameHeading.test(one) && (sure || !/^(?:name|nom|owner|author|contact)$/i.test(one)) ? [at] : [],
    );
    if (names.length > 0) return { delimiter, cells: headings.length, names };
  }
  return undefined;
}

/** Whether a line has as many cells as the table. */
export function isRow(table: Table, line: string): boolean {
  return line.length <= 16_384 && cellsOf(line, table.delimiter).length === table.cells;
}

export function nameCells(table: Table, line: string): Found[] {
  const cells = cellsOf(line, table.delimiter);
  return table.names.flatMap((at) => {
    const cell = cells[at];
    if (cell === undefined || cell.end - cell.start > 80) return [];
    const content = line.slice(cell.start, cell.end);
    const start = cell.start + (content.length - content.trimStart().length);
    const end = start + content.trim().length;
    if (end - start < 2 || !/^[A-Za-z\x80-\xff][A-Za-z\x80-\xff'’.,() -]*$/.test(line.slice(start, end)))
      return [];
    return /^(?:null|none|n\/a|unknown|true|false|test|-)$/i.test(line.slice(start, end))
      ? []
      : [{ type: 'PERSON', start, end, rank } as const];
  });
}

/** The cells of a line; quotes round a cell (RFC 4180) are not part of it. */
function cellsOf(line: string, delimiter: string): { start: number; end: number }[] {
  const cells: { start: number; end: number }[] = [];
  const stop = line.length - (/\r?\n$/.exec(line)?.[0].length ?? 0);
  let at = 0;
  while (at <= stop) {
    let end: number;
    if (line[at] === '"') {
      end = at + 1;
      while (end < stop && (line[end] !== '"' || line[end + 1] === '"')) end += line[end] === '"' ? 2 : 1;
      cells.push({ start: at + 1, end: Math.min(end, stop) });
      const next = line.indexOf(delimiter, end);
      end = next === -1 || next > stop ? stop : next;
    } else {
      const next = line.indexOf(delimiter, at);
      end = next === -1 || next > stop ? stop : next;
      cells.push({ start: at, end });
    }
    at = end + 1;
  }
  return cells;
}
