import { email, named, phone, prose, secret, Writer, type Labelled, type Part } from './labelled.ts';
import { negatives } from './negatives.ts';
import { alnum, createRandom, hex, type Random } from './random.ts';
import { machineSecretOf, passwordOf, pemOf, personOf, tokenOf } from './values.ts';

type Scene = (random: Random, writer: Writer) => void;

const kinds = Object.keys(negatives);

function negative(random: Random): Part {
  const kind = random.pick(kinds);
  return { text: negatives[kind]?.(random) ?? '', kind };
}

const stamp = (r: Random): string =>
  `2026-0${r.int(1, 9)}-1${r.int(0, 9)}T0${r.int(0, 9)}:${r.int(10, 59)}:${r.int(10, 59)}.${r.int(100, 999)}Z`;
const secretName = (r: Random): string =>
  r.pick([
    'api_key',
    'apiKey',
    'client_secret',
    'access_token',
    'auth_token',
    'SECRET_KEY',
    'privateKey',
    'encryption_key',
    'refresh_token',
    'webhook_secret',
    'STRIPE_API_KEY',
    'datadog_app_key',
  ]);
const passwordName = (r: Random): string =>
  r.pick(['password', 'DB_PASSWORD', 'passwd', 'userPassword', 'pwd', 'smtp_pass']);

/** Kinds of text that tools and agents print, each a record of a few lines. */
export const scenes: Readonly<Record<string, Scene>> = {
  log(r, w) {
    const p = personOf(r);
    w.add(stamp(r), ' ', r.pick(['INFO', 'WARN', 'ERROR']), ' [', negative(r), '] ');
    w.add(
      ...r.pick<() => (string | Part)[]>([
        () => ['login user=', email(p.email), ' from ', negative(r)],
        () => ['sent mail to <', email(p.email), '> in ', negative(r)],
        () => ['sms to ', phone(p.clearPhone), ' queued, ', negative(r)],
        () => ['full_name="', named(p.full), '" phone=', phone(p.clearPhone)],
        () => [passwordName(r), '=', secret(passwordOf(r)), ' rejected'],
        () => ['Authorization: Bearer ', secret(tokenOf(r))],
        () => ['request ', negative(r), ' ', negative(r), ' done'],
      ])(),
      '\n',
    );
  },
  json(r, w) {
    const p = personOf(r);
    w.add(
      '{"id":"',
      negative(r),
      '","first_name":"',
      named(p.first),
      '","last_name":"',
      named(p.last),
      '","contact":{"email":"',
      email(p.email),
      '","phone":"',
      phone(p.phone),
      '"},',
    );
    w.add(
      '"',
      secretName(r),
      '":"',
      secret(machineSecretOf(r)),
      '","version":"',
      { text: negatives['version']?.(r) ?? '', kind: 'version' },
      '"}\n',
    );
  },
  stack(r, w) {
    const p = personOf(r);
    w.add('Error: cannot deliver to ', email(p.email), ': connect ECONNREFUSED ', negative(r), '\n');
    for (let at = r.int(2, 5); at > 0; at -= 1)
      w.add('    ', { text: negatives['frame']?.(r) ?? '', kind: 'frame' }, '\n');
    w.add(
      'caused by: DSN postgres://svc:',
      secret(machineSecretOf(r).replace(/[/=+]/g, 'x')),
      '@db.internal:5432/app\n',
    );
  },
  git(r, w) {
    const [p, q] = [personOf(r), personOf(r)];
    w.add(
      'commit ',
      { text: r.string(hex, 40), kind: 'sha1' },
      '\nAuthor: ',
      named(p.full),
      ' <',
      email(p.email),
      '>\nDate:   Mon Mar 4 12:30:11 2026 +0100\n\n    Fix ',
      negative(r),
      '\n\n',
    );
    w.add(
      '    ',
      r.pick(['Signed-off-by', 'Co-authored-by', 'Reviewed-by', 'Acked-by', 'Cc']),
      ': ',
      named(q.full),
      ' <',
      email(q.email),
      '>\n\n',
    );
  },
  csv(r, w) {
    w.add('id,first_name,last_name,email,phone,created\n');
    for (let at = r.int(3, 8); at > 0; at -= 1) {
      const p = personOf(r);
      w.add(
        String(r.int(1, 9_999)),
        ',',
        named(p.first),
        ',',
        named(p.last),
        ',',
        email(p.email),
        ',',
        phone(p.clearPhone),
        ',',
        { text: '2026-03-04', kind: 'date' },
        '\n',
      );
    }
    w.add('\n');
  },
  mail(r, w) {
    const [p, q] = [personOf(r), personOf(r)];
    w.add(
      'From: ',
      named(p.full),
      ' <',
      email(p.email),
      '>\nTo: "',
      named(q.full),
      '" <',
      email(q.email),
      '>\nSubject: ',
      negative(r),
      '\n',
      { text: negatives['message_id']?.(r) ?? '', kind: 'message_id' },
      '\n\n',
    );
    w.add(
      'Hi ',
      prose(q.first),
      ',\n\nplease have a look at ',
      negative(r),
      '. You can reach me at ',
      email(p.email),
      ' or call me on ',
      phone(p.phone),
      '.\n',
      r.pick(['Yesterday I met ', 'This was found by ', 'Ask ']),
      prose(personOf(r).full),
      ' about it.\n\nRegards,\n',
      prose(p.first),
      '\nMobile: ',
      phone(p.phone),
      '\n\n> On Monday you wrote:\n> ',
      negative(r),
      '\n\n',
    );
  },
  code(r, w) {
    const p = personOf(r);
    w.add('// ', negative(r), '\n', { text: negatives['token_code']?.(r) ?? '', kind: 'token_code' }, '\n');
    w.add(
      ...r.pick<() => (string | Part)[]>([
        () => ['const ', secretName(r), ' = "', secret(machineSecretOf(r)), '";\n'],
        () => [' * @author ', named(p.full), ' <', email(p.email), '>\n'],
        () => ["client = Client(token='", secret(tokenOf(r)), "')\n"],
        () => ['const admin = { email: "', email(p.email), '", fullName: "', named(p.full), '" };\n'],
        () => ['@', { text: 'Override', kind: 'decorator' }, '\npublic void ', negative(r), '\n'],
      ])(),
    );
  },
  yaml(r, w) {
    const p = personOf(r);
    w.add(
      'service:\n  image: ',
      { text: negatives['docker']?.(r) ?? '', kind: 'docker' },
      '\n  contact_name: ',
      named(p.full),
      '\n  email: ',
      email(p.email),
      '\n  ',
      secretName(r),
      ': ',
      secret(machineSecretOf(r)),
      '\n  smtp:\n    password: "',
      secret(passwordOf(r)),
      '"\n  notes: ',
      negative(r),
      '\n',
    );
  },
  env(r, w) {
    w.add(
      '# ',
      negative(r),
      '\nNODE_ENV=production\n',
      secretName(r).toUpperCase(),
      '=',
      secret(machineSecretOf(r)),
      '\n',
      'GITHUB_TOKEN=',
      secret(tokenOf(r)),
      '\nexport DB_PASSWORD="',
      secret(passwordOf(r)),
      '"\n',
      { text: negatives['placeholder']?.(r) ?? '', kind: 'placeholder' },
      '\n',
    );
    if (r.chance(0.3)) w.add(secret(pemOf(r)), '\n');
  },
  markup(r, w) {
    const p = personOf(r);
    w.add(
      '<customer id="',
      negative(r),
      '"><full_name>',
      named(p.full),
      '</full_name><email>',
      email(p.email),
      '</email><a href="mailto:',
      email(p.email),
      '">write</a> <a href="tel:',
      phone(p.clearPhone.replace(/[^+\d]/g, '')),
      '">call</a><password>',
      secret(passwordOf(r).replace(/[<>&]/g, 'x')),
      '</password></customer>\n',
    );
  },
  shell(r, w) {
    const p = personOf(r);
    w.add(
      '$ git clone ',
      { text: negatives['git_ssh']?.(r) ?? '', kind: 'git_ssh' },
      '\n$ curl -H "X-Api-Key: ',
      secret(machineSecretOf(r)),
      '" ',
      { text: negatives['https_url']?.(r) ?? '', kind: 'https_url' },
      '\n$ git config user.email ',
      email(p.email),
      '\n$ mysql --password ',
      secret(passwordOf(r)),
      ' -h ',
      negative(r),
      '\nok ',
      negative(r),
      ' ',
      negative(r),
      '\n',
    );
  },
  sql(r, w) {
    const p = personOf(r);
    w.add(
      'INSERT INTO users VALUES (',
      String(r.int(1, 9_999)),
      ", '",
      email(p.email),
      "', '",
      negative(r).text.replaceAll("'", ''),
      "', 'phone: ",
      phone(p.phone),
      "');\nUPDATE users SET password = '",
      secret(passwordOf(r)),
      "' WHERE id = ",
      String(r.int(1, 99)),
      ';\n',
    );
  },
  encoded(r, w) {
    const p = personOf(r);
    const plain = /^[\x20-\x7e]+$/.test(p.email) ? p.email : `${r.string('abcdef', 6)}@example.org`;
    w.add(
      ...r.pick<() => (string | Part)[]>([
        () => ['GET /u?mail=', email(encodeURIComponent(plain)), '&x=1\n'],
        () => ['{"m":"', email(plain.replace('@', '\\u0040')), '"}\n'],
        () => ['<b>', email(plain.replace('@', '&#64;')), '</b>\n'],
        () => ['user \u001b[1m', email(plain.replace('@', '\u001b[0m@\u001b[1m')), '\u001b[0m ok\n'],
        () => [
          '{\\"to\\":\\"',
          email(plain),
          '\\",\\"password\\":\\"',
          secret(`${r.string(alnum, 14)}7`),
          '\\"}\n',
        ],
        () => ['see ', email(plain.replace('@', '=40')), ' there\n'],
      ])(),
    );
  },
  list(r, w) {
    const kind = r.pick(['email', 'token', 'phone'] as const);
    for (let at = r.int(2, 5); at > 0; at -= 1) {
      const p = personOf(r);
      const one = { email: email(p.email), token: secret(tokenOf(r)), phone: phone(p.clearPhone) }[kind];
      w.add(one, '\n');
      // As output that is polled says the same again.
      if (r.chance(0.3)) w.add(one, '\n');
    }
    w.add('\n');
  },
  noise(r, w) {
    for (let at = r.int(2, 6); at > 0; at -= 1)
      w.add(negative(r), r.pick([' ', ' | ', ': ', ', ']), negative(r), '\n');
  },
};

/** About so many characters of all kinds of text, mixed; the same for the same seed. */
export function labelledText(seed: number, length: number): Labelled {
  const random = createRandom(seed);
  const writer = new Writer();
  const names = Object.keys(scenes);
  while (writer.length < length) scenes[random.pick(names)]?.(random, writer);
  return writer.done();
}
