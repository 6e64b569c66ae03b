import type { View } from '../view.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';
import { isFirstName } from './first-names.ts';
import { couldBeName, namePart } from './person-words.ts';

const rank = 20;

/** Keys whose value is a person's name wherever they occur. */
const sure = [
  'first_name',
  'firstname',
  'first-name',
  'first name',
  'last_name',
  'lastname',
  'last-name',
  'last name',
  'full_name',
  'fullname',
  'full-name',
  'full name',
  'given_name',
  'givenname',
  'given-name',
  'given name',
  'family_name',
  'familyname',
  'family name',
  'middle_name',
  'middlename',
  'middle name',
  'surname',
  'forename',
  'maiden_name',
  'customer_name',
  'customername',
  'customer name',
  'contact_name',
  'contactname',
  'contact name',
  'contact person',
  'contact_person',
  'author_name',
  'authorname',
  'user_full_name',
  'employee_name',
  'employee name',
  'patient_name',
  'patient name',
  'recipient_name',
  'sender_name',
  'cardholder',
  'card_holder',
  'account_holder',
  'account holder',
  'committer_name',
  'real_name',
  'realname',
  'legal_name',
  'person_name',
  'passenger',
  'billing_name',
  'shipping_name',
  'holder_name',
  'owner_name',
  'manager_name',
  'reviewer_name',
  'vorname',
  'nachname',
  'prenom',
  'prénom',
  'nombre',
  'apellido',
  'apellidos',
  'cognome',
  'nome',
  'sobrenome',
];
/** Keys whose value may be a person's name, if it looks like one. */
const perhaps = [
  'name',
  'author',
  'owner',
  'customer',
  'contact',
  'recipient',
  'sender',
  'assignee',
  'reporter',
  'reviewer',
  'manager',
  'employee',
  'patient',
  'client',
  'user',
  'creator',
  'signed',
  'attendee',
  'requester',
  'approver',
  'maintainer',
  'editor',
  'artist',
  'beneficiary',
  'applicant',
  'guest',
  'tenant',
  'participant',
  'student',
  'teacher',
  'lead',
  'from',
  'to',
  'by',
  'cc',
  'buyer',
  'seller',
  'speaker',
  'publisher',
  'translator',
  'displayname',
  'display_name',
];

const latin = (word: string): string => Buffer.from(word).toString('latin1');

/** Names in fields: JSON, YAML, INI, XML, forms, `key=value` logs. */
export const personFieldDetector: Detector = {
  anchors: [...sure, ...perhaps].map((text): Anchor => ({ text: latin(text), check: valueFollows })),
  find: (view, start, end) => fieldAt(view, start, end),
};

const sureWords: ReadonlySet<string> = new Set(sure.map(latin));

/** Within a few bytes of the key an operator, and then a letter that can begin a name. */
function valueFollows(bytes: Uint8Array, start: number, end: number): boolean {
  const before = bytes[start - 1];
  if (before !== undefined && before >= 0x61 && before <= 0x7a && !(((bytes[start] ?? 0) & 0x20) === 0))
    return false;
  for (let at = end; at < end + 7; at += 1) {
    const byte = bytes[at];
    if (byte === undefined || byte === 0x3d || byte === 0x3a || byte === 0x3e || byte === 0x1b) return true;
    if (
      byte !== 0x22 &&
      byte !== 0x27 &&
      byte !== 0x20 &&
      byte !== 0x09 &&
      byte !== 0x5c &&
      byte !== 0x60 &&
      byte !== 0x5d
    )
      return false;
  }
  return false;
}

const set = /["'`\]\\]{0,3}[ \t]{0,4}(?:=>|:=|[:=>])[ \t]{0,4}(\\?["'`])?/y;
const loose = new RegExp(
  String.raw`${namePart}(?:[ ](?:${namePart}|van|von|der|den|de|del|della|di|da|dos|la|le|du|bin|ibn|al|el|ter|y)){0,4}`,
  'y',
);
const quotedName = /[A-Za-z\x80-\xff][A-Za-z\x80-\xff'’. -]{0,60}/y;

function fieldAt(view: View, start: number, end: number): Found | undefined {
  const { text } = view;
  const operator = matchAt(set, text, end);
  if (operator === null) return undefined;
  const at = end + operator[0].length;
  const quote = operator[1];
  const isSure = sureWords.has(text.slice(start, end).toLowerCase());
  const found = matchAt(isSure && quote !== undefined ? quotedName : loose, text, at)?.[0];
  if (found === undefined) return undefined;
  const name = found.replace(/[ '-]+$/, '').replace(/(?<=[^. ][^. ])\.$/, '');
  const last = at + name.length;
  if (!endsValue(text, last, quote)) return undefined;
  if (!(isSure ? couldBeField(name) : looksLikePerson(name))) return undefined;
  return { type: 'PERSON', start: at, end: last, rank };
}

/** A name fills its field. */
function endsValue(text: string, at: number, quote: string | undefined): boolean {
  const rest = text.slice(at, at + 3);
  if (quote !== undefined) return rest.startsWith(quote) || rest.startsWith(`.${quote}`);
  return /^(?:$|[\r\n,;<|&)\]}"']|[ ]*(?:<|\(|\||$|\n|\r|[a-z_]+=|-|,)|[ ][ \t]|\t|[ ][a-z(<[{])/.test(
    text.slice(at, at + 24),
  );
}

const code =
  /^(?:string|str|text|null|none|undefined|true|false|name|value|type|any|void|self|this|required|optional|unknown|n\/a)$/i;

function couldBeField(name: string): boolean {
  return name.length >= 2 && !code.test(name) && !/^[a-z]+[A-Z]/.test(name);
}

/** Two parts at least, and a given name among them or nothing that names other things. */
function looksLikePerson(name: string): boolean {
  const parts = name.split(' ');
  if (!couldBeName(name)) return false;
  if (/^(?:San|Santa|Saint|St|Los|Las|El|La|Port|Fort|Mount|Cape|Costa|Nova|Rio)$/.test(parts[0] ?? ''))
    return false;
  const given = parts.some((part) => isFirstName(titled(part.split('-')[0] ?? '')));
  return parts.length >= 2 && (given || /[\x80-\xff]/.test(name));
}

function titled(word: string): string {
  return /^[A-Z]+$/.test(word) ? word.slice(0, 1) + word.slice(1).toLowerCase() : word;
}
