import { alnum, digits, hex, lower, upper, type Random } from './random.ts';

/** People as generated: names of a locale, and addresses and numbers as they are written there. */
export interface Person {
  first: string;
  last: string;
  full: string;
  email: string;
  /** Any spelling, for where a word says that it is a phone number. */
  phone: string;
  /** A spelling that tells by itself: international, or in the usual groups of North America. */
  clearPhone: string;
}

interface Locale {
  first: readonly string[];
  last: readonly string[];
  domains: readonly string[];
  /** `#` is a digit, `N` a digit from 2 on. */
  national: readonly string[];
  international: readonly string[];
}

const list = (text: string): string[] => text.split(' ');

/** First names partly rare on purpose: a field tells a name, not a list. */
const locales: readonly Locale[] = [
  {
    first: list('James Olivia Ethan Sophia Brandon Kimberly Tanisha Darnell Wyatt Addison'),
    last: list("Miller Johnson O'Brien Washington Kowalski Nguyen McAllister Smith-Jones Teague Whitlock"),
    domains: list('gmail.com acme.com outlook.com northwind.io mail.example.org'),
    national: ['(212) 555-####', '415-NN#-####', '617.NN#.####', '(303) NN#-####', '1-206-NN#-####'],
    international: ['+1 212 555 ####', '+1-415-NN#-####', '+1 (617) NN#-####', '+1206NN#####'],
  },
  {
    first: list('Oliver Amelia Alistair Imogen Nigel Fiona Rhys Siân Callum'),
    last: list('Taylor Featherstone MacDonald Hughes Pemberton Whitehouse Llewellyn'),
    domains: list('bbc.co.uk hotmail.co.uk firm.uk ox.ac.uk'),
    national: ['020 7### ####', '07700 9#####', '0161 496 0###', '07911 ######'],
    international: ['+44 20 7946 0###', '+44 7911 ######', '+447911######'],
  },
  {
    first: list('Lukas Hannelore Jürgen Käthe Thorsten Friederike Sönke Annegret'),
    last: list('Müller Schäfer Weiß Großmann Hoffmann Schmitz Vogel'),
    domains: list('gmx.de web.de t-online.de firma.de'),
    national: ['030 ########', '0151 ########', '0171-#######', '089/1######'],
    international: ['+49 151 ########', '+49 30 ########', '+49 (0)89 1######'],
  },
  {
    first: list('Léa Théo Mathilde Étienne Aurélie Guillaume Loïc Maëlys'),
    last: list('Dubois Lefèvre Moreau Garnier Bonnet Fournier'),
    domains: list('orange.fr free.fr laposte.net société.fr'),
    national: ['01 42 ## ## ##', '06 12 ## ## ##', '06.12.##.##.##'],
    international: ['+33 6 12 ## ## ##', '+33 1 42 ## ## ##', '+33612######'],
  },
  {
    first: list('Íñigo Lucía Joaquín Montserrat Álvaro Begoña Xiomara'),
    last: list('García Núñez Rodríguez Ibáñez Quintana Etxeberria'),
    domains: list('telefonica.es yahoo.es uni.edu.mx'),
    national: ['612 34# ###', '91 123 4###'],
    international: ['+34 612 34# ###', '+52 55 1234 5###', '+34 91 123 4###'],
  },
  {
    first: list('Giulia Alessandro Beatrice Ludovica Gennaro Chiara'),
    last: list('Rossi Esposito Colombo Mancini Fabbri'),
    domains: list('libero.it tiscali.it azienda.it'),
    national: ['06 6982 ####', '347 123 ####'],
    international: ['+39 347 123 ####', '+39 06 6982 ####'],
  },
  {
    first: list('João Thaís Leandro Fabrício Iara Débora'),
    last: list('Silva Gonçalves Araújo Conceição Figueiredo'),
    domains: list('uol.com.br empresa.com.br sapo.pt'),
    national: ['(11) 9####-####', '(21) 3###-####'],
    international: ['+55 11 9####-####', '+351 912 ### ###'],
  },
  {
    first: list('Katarzyna Wojciech Grażyna Zbigniew Łucja'),
    last: list('Wiśniewski Kamiński Zając Dąbrowski'),
    domains: list('wp.pl onet.pl firma.com.pl'),
    national: ['512 345 ###', '22 123 45 ##'],
    international: ['+48 512 345 ###', '+48 22 123 45 ##'],
  },
  {
    first: list('Иван Анна Дмитрий Ольга'),
    last: list('Петров Смирнова Кузнецов Соколова'),
    domains: list('yandex.ru mail.ru'),
    national: ['8 (912) 345-##-##'],
    international: ['+7 912 345-##-##', '+7 (495) 123-##-##'],
  },
  {
    first: list('Haruto Sakura Kenta Yui Daichi'),
    last: list('Tanaka Watanabe Kobayashi Shimizu'),
    domains: list('docomo.ne.jp example.co.jp'),
    national: ['03-1234-####', '090-1234-####'],
    international: ['+81 90 1234 ####', '+81 3-1234-####'],
  },
  {
    first: list('Wei Xiuying Jianguo Mei Haoran'),
    last: list('Zhang Li Wang Ouyang'),
    domains: list('163.com qq.com 126.com'),
    national: ['138 1234 ####', '010-6552 ####'],
    international: ['+86 138 1234 ####'],
  },
  {
    first: list('Aarav Priyanka Venkatesh Ishita Gurpreet'),
    last: list('Sharma Iyer Patel Krishnamurthy Singh'),
    domains: list('infosys.in rediffmail.com'),
    national: ['098765 4####', '022 2345 ####'],
    international: ['+91 98765 4####', '+91-98765-4####'],
  },
  {
    first: list('Björn Åsa Sigrún Øystein Maarten Saskia Väinö'),
    last: list('Lindqvist Ødegård Jónsdóttir Bakker Virtanen'),
    domains: list('telia.se ziggo.nl posten.no'),
    national: ['070-123 45 ##', '020 123 4###', '06 1234 56##'],
    international: ['+46 70 123 45 ##', '+31 6 1234 56##', '+47 412 34 5##'],
  },
  {
    first: list('Ayşe Mehmet Oluwaseun Thandiwe Yosef Noa'),
    last: list('Yılmaz Adeyemi Nkosi Cohen Haddad'),
    domains: list('turkcell.com.tr univ.co.za walla.co.il'),
    national: ['0532 123 45 ##', '082 123 4###'],
    international: ['+90 532 123 45 ##', '+27 82 123 4###', '+972 50 123 4###'],
  },
];

export function personOf(random: Random): Person {
  const locale = random.pick(locales);
  const first = random.pick(locale.first);
  const last = random.pick(locale.last);
  return {
    first,
    last,
    full: `${first} ${last}`,
    email: addressOf(random, first, last, random.pick(locale.domains)),
    phone: filled(random, random.pick([...locale.national, ...locale.international])),
    clearPhone: filled(random, random.pick(locale.international)),
  };
}

function filled(random: Random, pattern: string): string {
  return pattern.replace(/[#N]/g, (mark) => String(random.int(mark === 'N' ? 2 : 0, 9)));
}

function addressOf(random: Random, first: string, last: string, domain: string): string {
  const [a, b] = [first, last].map((word) => ascii(word, random));
  const local = random.pick([
    `${a}.${b}`,
    `${a}${b}`,
    `${a?.slice(0, 1)}${b}`,
    `${a}_${b}`,
    `${a}.${b}+${random.pick(['news', 'git', 'x1'])}`,
    `${b}${random.int(1, 99)}`,
    `${a}-${b}`,
    `${a}`,
  ]);
  return `${local}@${random.chance(0.1) ? `mail${random.int(1, 3)}.` : ''}${domain}`;
}

function ascii(word: string, random: Random): string {
  const plain = word
    .normalize('NFD')
    .replace(/[\u0300-\u036f']/g, '')
    .replace(/ß/g, 'ss')
    .replace(/[^A-Za-z-]/g, '');
  const text = plain.length < 2 ? random.string(lower, 6) : plain;
  return random.chance(0.9) ? text.toLowerCase() : text;
}

const b64 = `${alnum}+/`;
const word64 = `${alnum}_-`;

/** Keys with beginnings of their own. */
const tokens: readonly ((random: Random) => string)[] = [
  (r) => `AKIA${r.string(`${upper}234567`, 16)}`,
  (r) => `ghp_${r.string(alnum, 36)}`,
  (r) => `github_pat_${r.string(alnum, 22)}_${r.string(alnum, 59)}`,
  (r) => `glpat-${r.string(word64, 20)}`,
  (r) => `xoxb-${r.string(digits, 12)}-${r.string(digits, 12)}-${r.string(alnum, 24)}`,
  (r) => `sk-ant-api03-${r.string(word64, 93)}AA`,
  (r) => `sk-proj-${r.string(word64, 48)}`,
  (r) => `sk_live_${r.string(alnum, 24)}`,
  (r) => `AIza${r.string(word64, 35)}`,
  (r) => `npm_${r.string(alnum, 36)}`,
  (r) => `SG.${r.string(word64, 22)}.${r.string(word64, 43)}`,
  (r) => `hf_${r.string(lower + upper, 34)}`,
  (r) => `dop_v1_${r.string(hex, 64)}`,
  (r) => `hvs.${r.string(word64, 90)}`,
  (r) => `shpat_${r.string(hex, 32)}`,
  (r) =>
    `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${Buffer.from(JSON.stringify({ sub: r.string(digits, 10), iat: r.int(1.5e9, 1.8e9) })).toString('base64url')}.${r.string(word64, 43)}`,
];

export function tokenOf(random: Random): string {
  return random.pick(tokens)(random);
}

/** What only its name tells to be a secret: random, as machines make it. */
export function machineSecretOf(random: Random): string {
  return random.pick([
    () => random.string(hex, 32),
    () => random.string(hex, 40),
    () => random.string(alnum, random.int(20, 48)),
    () => `${random.string(b64, 43)}=`,
    () => random.string(word64, 32),
  ])();
}

/** What people choose. */
export function passwordOf(random: Random): string {
  const words = list('summer tiger correct battery dragon winter Berlin monkey coffee hunter');
  return random.pick([
    () => `${random.pick(words)}${random.int(10, 9999)}`,
    () => `${random.pick(words)}-${random.pick(words)}-${random.int(1, 99)}`,
    () => random.string(`${alnum}!#%*^~`, random.int(10, 18)),
    () => `P@ss${random.int(100, 9999)}!`,
    () =>
      `${random.pick(words)}${random.pick(['!', '#', '$', '?'])}${random.int(1, 99)}${random.string(upper, 2)}`,
  ])();
}

export function pemOf(random: Random): string {
  const kind = random.pick([
    'RSA PRIVATE KEY',
    'PRIVATE KEY',
    'EC PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
  ]);
  const lines = Array.from({ length: random.int(3, 12) }, () => random.string(b64, 64));
  return [`-----BEGIN ${kind}-----`, ...lines, `${random.string(b64, 22)}==`, `-----END ${kind}-----`].join(
    '\n',
  );
}
