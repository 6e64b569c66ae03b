/**
 * How the keys of well-known services begin, as their own documentation shows them, and the least
 * number of characters that follow. `body` is what they are made of.
 */
export interface KeyShape {
  prefix: string;
  body: string;
  least: number;
  most: number;
}

const word = String.raw`\w`;
const dashed = String.raw`[\w-]`;
const alnum = '[A-Za-z0-9]';
const hex = '[A-Fa-f0-9]';
const dotted = String.raw`[\w.-]`;
const based = '[A-Za-z0-9+/=_-]';

/** `prefixes body least most`: prefixes that share what follows. */
const rows: readonly (readonly [prefixes: string, body: string, least: number, most?: number])[] = [
  // Amazon: the id of an access key (its secret is found by its name), and Bedrock's keys.
  ['AKIA ASIA ABIA ACCA AROA AIDA AIPA AGPA ANPA ANVA A3T', '[A-Z0-9]', 12, 20],
  ['da2-', '[a-z0-9]', 26, 26],
  ['ABSKQmVkcm9ja0FQSUtleS bedrock-api-key-', based, 16, 400],
  ['amzn1.application-oa2-client. amzn.mws.', dotted, 20, 80],
  // Code hosts.
  ['ghp_ gho_ ghu_ ghs_ ghr_', word, 30, 255],
  ['github_pat_', word, 40, 255],
  [
    'glpat- glptt- gldt- glrt- glcbt- glimt- glft- glsoat- glffct- glagent- GR1348941 _gitlab_session=',
    dotted,
    18,
    200,
  ],
  ['ATBB ATATT3 ATCTT3', based, 20, 300],
  // Packages.
  ['npm_', word, 30, 80],
  ['pypi-', dashed, 80, 400],
  ['pypi-AgE', dashed, 40, 400],
  ['rubygems_', hex, 40, 64],
  ['dckr_pat_ dckr_oat_', dashed, 20, 80],
  ['cio', '[A-Za-z0-9]', 32, 32],
  ['oy2', '[a-z0-9]', 43, 43],
  ['CLOJARS_', alnum, 40, 80],
  ['cmVmdGtu AKCp', alnum, 50, 80],
  ['AKC', alnum, 10, 80],
  // Language models.
  ['sk-ant- sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- pk-lf-', dashed, 16, 300],
  ['sk-', '[A-Za-z0-9_-]', 20, 200],
  ['hf_ api_org_', alnum, 30, 60],
  ['pplx- gsk_ r8_ nvapi- xai- tgp_v1_ fw_', dashed, 28, 160],
  ['AIza', dashed, 35, 36],
  ['ya29.', dashed, 10, 300],
  ['GOCSPX-', dashed, 24, 40],
  ['1//0', dashed, 35, 120],
  // Payments.
  ['sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ pk_live_ whsec_ sk_sandbox_', based, 10, 260],
  ['sq0atp- sq0csp- sq0idp- EAAA', dashed, 22, 64],
  ['access_token$production$ access_token$sandbox$', '[a-z0-9$]', 40, 80],
  ['FLWSECK_TEST- FLWPUBK_TEST- FLWSECK- FLWPUBK-', '[A-Za-z0-9-]', 10, 60],
  ['live_ test_', '[A-Za-z0-9]', 30, 60],
  ['shpat_ shpca_ shppa_ shpss_', alnum, 30, 64],
  // Chat and mail.
  ['xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xoxc- xoxd- xapp-', String.raw`[\w%./+=-]`, 10, 400],
  ['SG.', String.raw`[\w.=-]`, 50, 90],
  ['SG.', String.raw`[\w=-]{1,128}\.[\w=-]`, 16, 300],
  ['xkeysib- xsmtpsib-', '[a-z0-9-]', 64, 110],
  ['SK', '[0-9a-fA-F]', 32, 32],
  ['key-', alnum, 32, 32],
  ['pubkey-', '[a-f0-9]', 32, 32],
  // Clouds, tools, monitoring.
  ['doo_v1_ dop_v1_ dor_v1_', hex, 60, 70],
  ['hvs. hvb. hvr. hcp.', dashed, 24, 320],
  ['atlasv1.', dashed, 50, 80],
  ['tfp_ pul- exp_ scw- vercel_ vcp_ vci_ vca_ vcr_ vck_', word, 20, 80],
  ['cfut_ cfat_ cfk_', word, 36, 64],
  ['k2sk_v', String.raw`\d_[A-Za-z0-9]`, 24, 24],
  ['dapi dose dkea', hex, 32, 40],
  ['dt0c01. dt0s16.', dotted, 60, 130],
  ['dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', dotted, 38, 80],
  ['glc_ glsa_', based, 32, 420],
  ['eyJrIjoi', based, 60, 420],
  ['NRAK- NRJS- NRII- NRIQ- NRAA-', dashed, 19, 60],
  ['sntrys_ sntryu_', based, 40, 420],
  ['PMAK-', '[A-Fa-f0-9-]', 50, 70],
  ['lin_api_ lin_oauth_', word, 30, 128],
  ['ntn_ secret_', alnum, 40, 60],
  ['figd_ figo_', dashed, 30, 200],
  ['pscale_tkn_ pscale_oauth_ pscale_pw_', String.raw`[\w.=-]`, 30, 70],
  ['EZAK EZTK', alnum, 54, 60],
  ['shippo_live_ shippo_test_', hex, 36, 44],
  ['duffel_test_ duffel_live_', based, 40, 60],
  ['dG9rOi', based, 30, 90],
  ['pat', String.raw`[A-Za-z0-9]{14}\.[a-f0-9]`, 60, 70],
  ['pat-na1- pat-eu1-', '[a-f0-9-]', 34, 40],
  ['CCIPAT_ CCIPRJ_', word, 30, 90],
  ['bkua_ bkaj_', alnum, 36, 44],
  ['A3-', '[A-Z0-9-]', 35, 40],
  ['ops_ey', based, 100, 1000],
  ['AGE-SECRET-KEY-1', '[A-Z0-9]', 50, 64],
  ['tskey- tskey-auth- tskey-api-', dashed, 16, 80],
  ['sha256~', dashed, 40, 50],
  ['fo1_ fm1a_ fm1r_ fm2_', based, 40, 600],
  ['FlyV1 fm1_ FlyV1 fm2_', based, 40, 600],
  ['PSK-', alnum, 20, 60],
  ['sgp_', '[A-Za-z0-9_-]', 38, 80],
  ['HRKU-', dashed, 36, 80],
  ['rnd_ phc_ phx_ sbp_ sb_secret_ dsc_ lsv2_pt_ lsv2_sk_ ltk_', word, 20, 90],
  ['p8e-', '[a-z0-9]', 32, 40],
  ['v1.0-', '[A-Za-z0-9-]', 140, 200],
  ['LTAI', alnum, 17, 24],
  ['AKID', alnum, 32, 40],
  ['AQVN', dashed, 35, 40],
  ['YC', dashed, 38, 38],
  ['TIDB_', alnum, 30, 60],
  ['NPSK rdme_ sm_ api_live_ api_test_', alnum, 30, 80],
  ['api_live api_sandbox', String.raw`(?:_[A-Za-z]{2})?\.[\w-]{11}\.[\w-]`, 32, 32],
  // Hashes of passwords, as crypt(3) and its successors write them.
  ['$2$ $2a$ $2b$ $2x$ $2y$', String.raw`\d{1,8}\$[./A-Za-z0-9]`, 53, 53],
  ['$5$ $6$ $y$ $apr1$ $argon2id$ $argon2i$ $scrypt$', String.raw`[\w./$=,+-]`, 30, 200],
  ['AC', '[a-f0-9]', 32, 32],
  ['EAA', alnum, 40, 260],
  ['EAACEdEose0cBA EAAAACZAVC6ygB EAAAAZAw4', alnum, 10, 260],
  ['cmVmd', alnum, 50, 70],
  // A JSON Web Token in base64 once more.
  ['ZXlK', based, 60, 2_000],
  ['sc_ ext_ scauth_ authress_', String.raw`[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][\w+./=-]`, 30, 160],
  ['4b1d', alnum, 38, 38],
  ['s.', '[A-Za-z0-9]', 24, 24],
  ['fio-u-', '[A-Za-z0-9=_-]', 60, 70],
  ['gloas- ico-', based, 32, 80],
  ['pat. sat.', String.raw`[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]`, 20, 20],
  ['s-s4t2ud- s-s4t2af-', hex, 64, 64],
  ['pnu_', alnum, 36, 36],
  ['tk-us-', dashed, 48, 48],
  ['sm_aat_ sm_pat_ sm_sat_', alnum, 16, 16],
  ['API-', '[A-Z0-9]', 26, 26],
  ['xoxe.xoxp- xoxe.xoxb-', dashed, 100, 200],
  ['xoxs- xoxa- xoxo- xoxr-', '[0-9A-Za-z-]', 8, 200],
  ['pk. sk.', String.raw`[a-z0-9]{20,80}\.[a-z0-9]`, 20, 24],
  ['AAAAAAAAAAAAAAAAAAAAA', '[A-Za-z0-9%]', 16, 120],
  ['hf_', '[a-z]', 34, 34],
];

export const keyShapes: readonly KeyShape[] = rows.flatMap(([prefixes, body, least, most = 400]) =>
  prefixes.split(' ').map((prefix) => ({ prefix, body, least, most })),
);
