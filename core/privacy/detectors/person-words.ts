/** The shapes of names, one character a byte; bytes from 0x80 on are letters. */

const capital = String.raw`[A-Z\x80-\xff]`;
const small = String.raw`[a-z\x80-\xff]`;
/** Jane, O'Brien, Jean-Luc, McDonald, J., JANE. */
const part = String.raw`(?:[OD]['’\x92])?${capital}(?:${small}+(?:['-]?${capital}?${small}+)*|['-]?[A-Z\x80-\xff]+|\.)?(?:-${capital}${small}+)*`;
const particle = String.raw`(?:van|von|der|den|de|del|della|di|da|dos|la|le|du|bin|ibn|al|el|ter|zu|y|e)`;

export const namePart = part;
/** Two to five parts, particles between them allowed: what a full name looks like. */
export const fullName = String.raw`${part}(?:[ ]${particle}){0,2}(?:[ ]${part}){1,3}`;

/** Words that are capitalised in names of other things than people. */
const notNames =
  /(?:^|[^a-z])(?:inc|llc|ltd|gmbh|corp|co|company|group|team|bot|service|server|system|systems|studio|software|project|foundation|university|institute|department|labs?|api|app|build|test|tests|user|admin|root|default|error|warning|info|debug|visual|docker|google|microsoft|amazon|github|gitlab|apache|linux|ubuntu|windows|new|the|and|or|of|for|with|to|from|by|node|java|python|machine|data|cloud|web|http|https|json|street|road|avenue|maintainers?|developers?|authors?|contributors?|support|security|release|packag(?:e|ing)|list|club|community|committee|world|united|states|north|south|east|west|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|july|september|october|november|december|please|thanks?|hello|hi|dear|not|no|all|type|name|unknown|anonymous|action|actions|workflow|pipeline|engine|client|manager|factory|controller|component|module|plugin|library|framework|language|model|agent|bank|office|center|centre|global|international|solutions|technologies|consulting|digital|online|network|internet|protocol|license|public|private|standard|general|main|master|version|update|installer|setup|config|event|events|request|response|handler|object|string|number|array|null|true|false|undefined|yes|street|city|county|island|river|lake|park|mountain|hotel|school|college|museum|church|airport|station|stadium)(?![a-z])/i;

/** Whether a text has the shape of a name and none of the words of other things. */
export function couldBeName(text: string): boolean {
  return !notNames.test(text) && !/\d/.test(text);
}
