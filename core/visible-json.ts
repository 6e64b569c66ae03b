const hidden = /[\x7f-\x9f\u2028\u2029\ufff9-\ufffb]|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}/gu;
const harmless = /^[\n -~]*$/;

/** JSON of a value on one line in which no character hides or changes how others are read: those are escaped. */
export function visibleJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}

/** The same JSON, written so: such characters stand in its strings only. */
export function escapeHidden(json: string): string {
  return harmless.test(json) ? json : json.replace(hidden, escaped);
}

function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at += 1) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
