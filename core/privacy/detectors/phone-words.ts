/** Words that say that a number follows. Those of one language each that are also other words are left out. */
export const phoneWords: readonly string[] = [
  'phone',
  'mobile',
  'cell',
  'tel:',
  'tel.',
  'tel ',
  'tel"',
  "tel'",
  'tel=',
  'telefon',
  'telephone',
  'téléphone',
  'teléfono',
  'telefono',
  'telefone',
  'call ',
  'fax',
  'sms',
  'whatsapp',
  'handy',
  'mobil',
  'portable',
  'móvil',
  'celular',
  'landline',
  'hotline',
  'msisdn',
  'contact',
  'reach me',
  'ring me',
  'text me',
  'dial',
  'callback',
  '電話',
  '电话',
  'тел',
].map((word) => Buffer.from(word).toString('latin1'));

const words = new RegExp(
  String.raw`^[^]*(?:${phoneWords.map((word) => word.trim().replace(/[.:"'=]$/, '')).join('|')}|(?<![a-z])(?:tel|ph|mob)(?![a-z]))([^\d\n]{0,24})(?:\+?\d[\d ().-]{5,20}(?:or|/|,|;|and| ){1,3})?$`,
  'i',
);
/** `call took …`, `contact_id=…`: numbers of another kind. */
const otherKind =
  /(?<![a-z])(?:id|ids|uuid|took|count|counts|port|pid|bytes|ms|ns|size|order|invoice|ref|code|stack|site|graph|version|hash|key|index|offset|line|ed|s)(?![a-z])/i;

/** Whether the text right before a place names a phone number. */
export function beforeIsPhoneWord(text: string, at: number): boolean {
  const found = words.exec(text.slice(Math.max(0, at - 72), at));
  return found !== null && !otherKind.test(found[1] ?? '') && !/\.[a-z]/i.test(found[1] ?? '');
}
