import { alnum, digits, hex, lower, upper, type Random } from './random.ts';

const uuid = (r: Random): string => [8, 4, 4, 4, 12].map((length) => r.string(hex, length)).join('-');
const two = (value: number): string => String(value).padStart(2, '0');
const date = (r: Random): string => `${r.int(1999, 2029)}-${two(r.int(1, 12))}-${two(r.int(1, 28))}`;
const time = (r: Random): string => `${two(r.int(0, 23))}:${two(r.int(0, 59))}:${two(r.int(0, 59))}`;
const ip = (r: Random): string => Array.from({ length: 4 }, () => r.int(1, 254)).join('.');
const version = (r: Random): string => `${r.int(0, 24)}.${r.int(0, 30)}.${r.int(0, 40)}`;
const words =
  'cache index queue worker parser buffer render schema router stream session handler metrics deploy config'.split(
    ' ',
  );
const word = (r: Random): string => r.pick(words);
const title = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const camel = (r: Random): string => word(r) + title(word(r)) + title(word(r));

/** What looks private and is not, by kind: nothing of it may be altered. */
export const negatives: Readonly<Record<string, (random: Random) => string>> = {
  uuid,
  sha1: (r) => r.string(hex, 40),
  sha256: (r) => `sha256:${r.string(hex, 64)}`,
  md5: (r) => r.string(hex, 32),
  short_commit: (r) => `commit ${r.string(hex, 8)}`,
  timestamp: (r) => `${date(r)}T${time(r)}.${r.string(digits, 3)}Z`,
  log_time: (r) => `[${date(r)} ${time(r)},${r.string(digits, 3)}]`,
  german_date: (r) => `${two(r.int(1, 28))}.${two(r.int(1, 12))}.${r.int(1980, 2029)}`,
  slash_date: (r) => `${r.int(1, 12)}/${r.int(1, 28)}/${r.int(1980, 2029)} ${time(r)}`,
  compact_date: (r) => `${date(r).replaceAll('-', '')}-${time(r).replaceAll(':', '')}`,
  epoch: (r) => `ts=${r.int(1_500_000_000, 1_900_000_000)}`,
  epoch_ms: (r) => `at ${r.int(1_500_000_000, 1_900_000_000)}${r.string(digits, 3)} ms`,
  offset_time: (r) => `${date(r)} ${time(r)} +0${r.int(1, 9)}00`,
  ipv4: ip,
  ipv4_port: (r) => `${ip(r)}:${r.int(1024, 65_535)}`,
  cidr: (r) => `10.${r.int(0, 255)}.${r.int(0, 255)}.0/24`,
  ipv6: (r) => Array.from({ length: 8 }, () => r.string(hex, 4)).join(':'),
  mac: (r) => Array.from({ length: 6 }, () => r.string(hex, 2)).join(':'),
  version,
  version_range: (r) => `^${version(r)} || >=${version(r)}`,
  package: (r) => `${word(r)}-${word(r)}@${version(r)}`,
  scoped_package: (r) => `@${word(r)}/${word(r)}@${version(r)}-beta.${r.int(1, 9)}`,
  git_ssh: (r) => `git@${r.pick(['github.com', 'gitlab.com', 'bitbucket.org'])}:${word(r)}/${word(r)}.git`,
  git_url: (r) => `ssh://git@git.${word(r)}.io:22/${word(r)}/${word(r)}.git`,
  https_url: (r) =>
    `https://${word(r)}.example.com/${word(r)}/${r.int(1, 99_999)}?page=${r.int(1, 99)}&key=${word(r)}`,
  action: (r) => `uses: actions/${word(r)}@v${r.int(1, 5)}`,
  docker: (r) => `registry.${word(r)}.io/${word(r)}/${word(r)}:${version(r)}`,
  docker_digest: (r) => `${word(r)}@sha256:${r.string(hex, 64)}`,
  maven: (r) => `org.${word(r)}:${word(r)}-core:${version(r)}`,
  go_module: (r) =>
    `github.com/${word(r)}/${word(r)} v0.0.0-${date(r).replaceAll('-', '')}${r.string(digits, 6)}-${r.string(hex, 12)}`,
  identifier: camel,
  snake: (r) => `${word(r)}_${word(r)}_${word(r)}`,
  constant: (r) => `${word(r)}_${word(r)}`.toUpperCase(),
  class_path: (r) => `com.${word(r)}.${word(r)}.${title(word(r))}${title(word(r))}`,
  call: (r) => `${camel(r)}(${word(r)}, ${r.int(0, 9)})`,
  frame: (r) =>
    `at ${title(word(r))}.${camel(r)} (/srv/app/src/${word(r)}.ts:${r.int(1, 900)}:${r.int(1, 80)})`,
  path: (r) => `/var/lib/${word(r)}/${word(r)}-${r.string(hex, 12)}/${word(r)}.log`,
  windows_path: (r) => `C:\\Program Files\\${title(word(r))}\\${word(r)}.dll`,
  decorator: (r) => `@${title(word(r))}.${word(r)}("${word(r)}")`,
  css: (r) => `@media (min-width: ${r.int(300, 1900)}px) { .${word(r)} { margin: 0 ${r.int(1, 9)}px } }`,
  retina: (r) => `${word(r)}@2x.png`,
  integrity: (r) => `"integrity": "sha512-${r.string(`${alnum}+/`, 86)}=="`,
  duration: (r) => `took ${r.int(1, 9_999)}.${r.string(digits, 3)} ms`,
  bytes: (r) => `${r.int(1, 999)},${r.string(digits, 3)},${r.string(digits, 3)} bytes`,
  percent: (r) => `${r.int(0, 99)}.${r.string(digits, 2)} %`,
  order: (r) => `order #${r.string(digits, 10)}`,
  isbn: (r) => `ISBN 978-${r.int(0, 9)}-${r.string(digits, 3)}-${r.string(digits, 5)}-${r.int(0, 9)}`,
  coordinates: (r) => `${r.int(-89, 89)}.${r.string(digits, 6)}, ${r.int(-179, 179)}.${r.string(digits, 6)}`,
  hex_address: (r) => `0x${r.string(hex, 16)}`,
  colour: (r) => `#${r.string(hex, 6)}`,
  semantic_build: (r) => `${version(r)}+build.${r.string(digits, 8)}`,
  http: (r) =>
    `"GET /api/v${r.int(1, 4)}/${word(r)}s/${r.int(1, 99_999)} HTTP/1.1" 200 ${r.int(100, 99_999)}`,
  key_word: (r) => `"keyboard": "${word(r)}", "tokenType": "access", "passwordPolicy": "strict"`,
  token_code: (r) =>
    r.pick([
      'const token = getToken();',
      'password: string;',
      'if (!secret) throw new Error(message);',
      'token = await refreshToken(client)',
      'let key = Object.keys(map)[0];',
      'this.apiKey = options.apiKey',
      'export type Secret = { token: string }',
      'private_key=${PRIVATE_KEY}',
      'password = os.environ["DB_PASSWORD"]',
      'tokens: 1234, token_count=5678',
    ]),
  placeholder: (r) =>
    r.pick([
      'API_KEY=<your-api-key>',
      'password: "********"',
      'token=xxxxxxxxxxxxxxxx',
      'secret: ${SECRET}',
      'PASSWORD=changeme',
      'api_key: YOUR_API_KEY_HERE',
    ]),
  product_name: (r) =>
    r.pick([
      '"name": "Visual Studio Code"',
      '"name": "Google Chrome"',
      'name: Build and Test',
      '"name": "Node Exporter"',
      'name=worker-pool-3',
      '"author": "npm"',
      'name: Deploy to Production',
      '"name": "San Francisco"',
      'user=system',
      'owner: platform-team',
    ]),
  heading: (r) =>
    r.pick([
      'Getting Started',
      'Release Notes',
      'Known Issues',
      'Table Of Contents',
      'Open Source License',
      'Machine Learning Model',
      'Internal Server Error',
      'Content Security Policy',
      'United States of America',
      'Pull Request Template',
    ]),
  matrix: (r) => `${r.string(lower, 1)} = w@x.dot(y) + ${r.int(1, 9)}`,
  table_row: (r) => Array.from({ length: 6 }, () => String(r.int(0, 99_999))).join('  '),
  serial: (r) => `${r.string(upper, 3)}-${r.string(digits, 4)}-${r.string(upper + digits, 6)}`,
  license: (r) => `${r.pick(['Apache-2.0', 'MIT', 'BSD-3-Clause'])} (c) ${r.int(1999, 2026)}`,
  range: (r) => `lines ${r.int(100, 999)}-${r.int(1000, 9999)} of ${r.int(10_000, 99_999)}`,
  message_id: (r) => `Message-ID: <${r.string(alnum, 24)}.${r.string(digits, 6)}@mail.${word(r)}.com>`,
};
