import { expect, test } from 'vitest';
import { marked } from './marked.ts';

const letters = 'pNOdUGh9iPeVVGhHMrothuYjxQCYSHq7Kd3mZw5t';
const bot = ['MTk4NjIyNDgzNDcxOTI1MjQ4', 'Cl2FMQ', letters.slice(0, 27)].join('.');
const mail = ['SG', 'kA', letters].join('.');
const spaced = ['eyAiYWxnIjoiSFMyNTYifQ', 'eyAic3ViIjoiMTIzNCJ9', 'abcDEFghi_123-xyz'].join('.');
const hashed = ['$2', '12', (letters + letters).slice(0, 53)].join('$');

/** Put together here, so that no scanner takes this file for a leak. */
const token = ['ghp', '16C7e42F292c6912E7710c838347Ae178B4a'].join('_');
const accessKey = ['AKIA', 'IOSFODNN7EXAMPL2'].join('');
const jwt = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0In0', 'abcDEFghi_123-xyz'].join('.');
const pem = (kind: string): string =>
  `-----BEGIN ${kind}-----\nMIIEpAIBAAKCAQEA\nq83vEjRWeJA=\n-----END ${kind}-----`;

test.each([
  [`token ${token}.`, `token [SECRET ${token}].`],
  [accessKey, `[SECRET ${accessKey}]`],
  [`x=${jwt};`, `x=[SECRET ${jwt}];`],
  [`${pem('RSA PRIVATE KEY')}\nrest`, `[SECRET ${pem('RSA PRIVATE KEY')}]\nrest`],
  [JSON.stringify({ key: pem('PRIVATE KEY') }), `{"key":"[SECRET ${pem('PRIVATE KEY')}]"}`],
  ['postgres://svc:p4ssw0rd@db/x', 'postgres://svc:[SECRET p4ssw0rd]@db/x'],
  ['password=hunter2', 'password=[SECRET hunter2]'],
  ['{"password":"s3cr3t!!"}', '{"password":"[SECRET s3cr3t!!]"}'],
  ['{\\"password\\":\\"s3cr3t!!\\"}', '{\\"password\\":\\"[SECRET s3cr3t!!]\\"}'],
  [`${accessKey}\n${accessKey}\n`, `[SECRET ${accessKey}]\n[SECRET ${accessKey}]\n`],
  [`${token}\n${token}\nend\n`, `[SECRET ${token}]\n[SECRET ${token}]\nend\n`],
  ['password      =   s3cr3t!!', 'password      =   [SECRET s3cr3t!!]'],
  ['mongodb://u:p@ss-42@db.example.net/x', 'mongodb://u:[SECRET p@ss-42]@db.example.net/x'],
  ['mysql --password ThXcbrzuwCtL -h db', 'mysql --password [SECRET ThXcbrzuwCtL] -h db'],
  ['<password>tdMXqAenbOJ</password>', '<password>[SECRET tdMXqAenbOJ]</password>'],
  ['sshpass -p tiger-42 ssh x', 'sshpass -p [SECRET tiger-42] ssh x'],
  ['mysql --password tiger-42 -h db', 'mysql --password [SECRET tiger-42] -h db'],
  ['Authorization: Bearer abcdef123456', 'Authorization: Bearer [SECRET abcdef123456]'],
  ['<password>Tr0ub4dor</password>', '<password>[SECRET Tr0ub4dor]</password>'],
  ['export API_KEY="Zk3mP9qLx2Vb7NtR"', 'export API_KEY="[SECRET Zk3mP9qLx2Vb7NtR]"'],
  [
    'datadog_app_key: 0123456789abcdef0123456789abcde7',
    'datadog_app_key: [SECRET 0123456789abcdef0123456789abcde7]',
  ],
  ['var apiToken string = "Zk3mP9qLx2Vb7NtR"', 'var apiToken string = "[SECRET Zk3mP9qLx2Vb7NtR]"'],
  [`login ${bot} ok`, `login [SECRET ${bot}] ok`],
  [`use ${mail} now`, `use [SECRET ${mail}] now`],
  [`got ${spaced} back`, `got [SECRET ${spaced}] back`],
  [`root:${hashed}:0`, `root:[SECRET ${hashed}]:0`],
  ['-H "Authorization: t5pYEQh29eOSBj8SZpT"', '-H "Authorization: [SECRET t5pYEQh29eOSBj8SZpT]"'],
  ['Authorization: Api-Token dt5pYEQh29eOSBj8SZpT', 'Authorization: Api-Token [SECRET dt5pYEQh29eOSBj8SZpT]'],
  ['new_relic = rye8ucpdu7iath1jspli2zh0', 'new_relic = [SECRET rye8ucpdu7iath1jspli2zh0]'],
  ['https://b350f7da:68159035@gems.example.com/', 'https://[SECRET b350f7da:68159035]@gems.example.com/'],
  [
    `"-----BEGIN PRIVATE KEY-----${letters}-_${letters}"`,
    `"[SECRET -----BEGIN PRIVATE KEY-----${letters}-_${letters}]"`,
  ],
])('a secret is found: %s', (text, expected) => {
  expect(marked(text, ['SECRET'])).toBe(expected);
});

test.each([
  'const token = getToken();',
  'password: string;',
  'API_KEY=<your-api-key>',
  'password: "********"',
  'private_key=${PRIVATE_KEY}',
  'password = os.environ["DB_PASSWORD"]',
  'this.apiKey = options.apiKey',
  '"tokenType": "access", "passwordPolicy": "strict"',
  'sk-some-long-name-of-a-thing-here',
  'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'tokens: 1234, max_tokens=4096',
  'key=user:profile:index',
  'https://example.com/path@x',
  'postgres://user:<password>@host/db',
  'Authorization: required',
  'Mrs.Norris.and.eyes.everywhere',
  'com.example.NumberFormatterOfLongName.format.somethingElseThatIsALongName',
  'eyelashes.eyebrowsOfSomebody',
])('no secret: %s', (text) => {
  expect(marked(text, ['SECRET'])).toBe(text);
});
