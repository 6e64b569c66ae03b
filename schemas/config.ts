import { z } from 'zod';
import { allowedCommand } from './commands.ts';
import { plainName, taskId } from './ids.ts';
import { limitLayer, processLimits } from './limits.ts';
import { loopbackHosts } from './loopback.ts';
import { networkGrant } from './network.ts';
import { oauth } from './oauth.ts';
import { pipeline } from './pipeline.ts';
import { privacyMode, privateType } from './privacy.ts';
import { absolutePath, sandboxLayer, sandboxProfile } from './sandbox.ts';

/** Where a credential's value comes from. Values themselves are never written anywhere. */
export const credentialSource = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string()).min(1) }),
]);
export type CredentialSource = z.infer<typeof credentialSource>;

const workers = z.array(plainName).optional();
/** The same, and which workers get it: without `workers` all of this machine. */
const credential = z.union([
  z.strictObject({ env: z.string().min(1), workers }),
  z.strictObject({ file: z.string().min(1), workers }),
  z.strictObject({ command: z.array(z.string()).min(1), workers }),
]);

const ms = z.int().min(0);

/** When what a worker elsewhere keeps is copied to this machine. */
export const replicate = z.enum(['on_finish', 'lazy', 'never']);
export type Replicate = z.infer<typeof replicate>;

/** `$XDG_CONFIG_HOME/codex-fleet/config.json`. The descriptions are the reference in docs/config.md. */
export const config = z.strictObject({
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  roots: z
    .array(z.string())
    .default([])
    .describe('Folders runs may work in, besides the one a bridge was started in.'),
  workers: z
    .strictObject({
      count: z.int().min(0).max(64).default(2).describe('How many.'),
      slots: z.int().min(1).max(64).default(4).describe('Runs at a time, each.'),
      labels: z.array(plainName).default([]).describe('What runs can ask for by `labels`.'),
    })
    .prefault({})
    .describe('Local workers the coordinator starts.'),
  remote_workers: z
    .record(
      plainName,
      z.strictObject({
        url: z.url(),
        secret: credentialSource,
        labels: z.array(plainName).default([]),
        replicate: replicate.optional().describe('Default: `output.replicate`.'),
        allow_private: z
          .boolean()
          .default(false)
          .describe('Whether the URL may lead into a private network.'),
        tls: z
          .string()
          .startsWith('/')
          .optional()
          .describe(
            'The client folder of `codex-fleet certs`; without it the authorities of the system count.',
          ),
      }),
    )
    .default({})
    .describe(
      'Workers started elsewhere, reached over Streamable HTTP, by name: over https, or by a port of this machine. They get runs once `codex-fleet trust add` has enrolled them.',
    ),
  commands: z
    .array(allowedCommand)
    .default([])
    .describe(
      'Commands a `command` stage, or Codex under `commands: allow-list`, may run: `argv` as written, where a last ' +
        'element `...` stands for any further ones; or a program by name (`binary`) with what its rules let it do. ' +
        'See docs/commands.md.',
    ),
  pipelines: z
    .record(plainName, pipeline)
    .default({})
    .describe('Recipes of your own, by name; one with the name of a built-in replaces it.'),
  path: z
    .array(z.string().startsWith('/'))
    .optional()
    .describe('PATH for runs, as absolute folders; default: the PATH of `codex-fleet up`.'),
  env: z
    .array(z.string())
    .default([])
    .describe(
      'Names of environment variables runs inherit, besides HOME, LANG, PATH, TERM, TMPDIR and USER.',
    ),
  credentials: z
    .record(z.string(), credential)
    .default({})
    .describe(
      'Where the value of each credential comes from, by variable name; with `workers`, only those get it. Values stay in memory. A worker started by hand, elsewhere too, takes those of the configuration it is started with.',
    ),
  codex: z
    .strictObject({
      binary: z
        .string()
        .optional()
        .describe("The Codex executable; default: PATH, then the npm package's own binary."),
      home: z
        .string()
        .optional()
        .describe("The signed-in user's CODEX_HOME; default $CODEX_HOME, then ~/.codex."),
    })
    .prefault({})
    .describe('Which Codex runs use.'),
  limits: z
    .strictObject({
      wall_ms: z.int().min(100).max(2_147_483_647).default(3_600_000).describe('Longest a run may take.'),
      output_bytes: z.int().min(1024).default(1_073_741_824).describe('Most a run may print.'),
      ...processLimits,
      allow_degraded: z
        .array(limitLayer)
        .default([])
        .describe(
          'Limits a run may ask for although this machine cannot hold it to them strictly, or at all; the run and ' +
            'its manifest say so. Without it such a run is refused.',
        ),
      grace_ms: ms.default(2_000).describe('Between asking a process to end and killing it.'),
    })
    .prefault({})
    .describe('Upper bounds; a run may ask for less.'),
  questions: z
    .strictObject({
      timeout_ms: z
        .int()
        .min(100)
        .max(2_147_483_647)
        .default(600_000)
        .describe('A question nobody answers for this long is answered "decline".'),
      policy: z
        .enum(['ask', 'decline', 'accept-allow-listed'])
        .default('ask')
        .describe(
          '`decline` asks nobody and declines. `accept-allow-listed` accepts a single plain command that is in ' +
            '`commands`, also where it asks to leave the sandbox, and asks about everything else. Nobody can let a ' +
            'run leave its sandbox that has no limits of memory and processes, or one that is not enforced.',
        ),
      elicit: z
        .boolean()
        .default(true)
        .describe('Whether a client that can show a dialog (MCP elicitation) is asked in one.'),
    })
    .prefault({})
    .describe(
      'What a run asks the one who started it. While it waits it gives its slot to others, as long as no more ' +
        'runs of its worker wait so than it has slots; once answered it goes on with the next slot that is ' +
        'free, before runs that have not begun. Until then it is `running`, with `waiting_for: slot`.',
    ),
  scheduling: z
    .strictObject({
      policy: z
        .enum(['least-expected-completion', 'least-loaded', 'round-robin'])
        .default('least-expected-completion')
        .describe('Which worker a run goes to, of those with a free slot that fit.'),
      weights: z
        .record(taskId, z.number().min(0.01).max(100))
        .default({})
        .describe('How much more than others a task counts when slots are shared out; others count 1.'),
      heed_hosts: z
        .boolean()
        .default(true)
        .describe(
          'Whether a worker whose host is short of memory, stalled on memory or I/O, or overloaded (load over 4 ' +
            'a core) gets runs for half of its slots only; for one with less than 5 % of the memory free.',
        ),
      hedge_budget: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe(
          'The share of all slot time that second attempts may take: runs that are read-only or `idempotent` and ' +
            'take unusually long begin once more in an idle slot, and the first to finish wins. 0 never does.',
        ),
      stall_ms: z
        .int()
        .min(100)
        .max(86_400_000)
        .optional()
        .describe(
          'A run without any event for so long counts as stalled; default never. A run may say its own.',
        ),
      on_stall: z
        .enum(['report', 'cancel', 'retry'])
        .default('report')
        .describe(
          'What becomes of a stalled run: only told; cancelled; or broken off as after a timeout, where a ' +
            'conversation goes on in a new process.',
        ),
    })
    .prefault({})
    .describe('How waiting runs come to workers, and what becomes of those that stall.'),
  output: z
    .strictObject({
      replicate: replicate
        .default('on_finish')
        .describe(
          'When the outputs of workers elsewhere are copied to this machine, so that they stay readable when such ' +
            'a worker is gone: once a run has ended, once somebody reads one, or never.',
        ),
      quota_bytes: z
        .int()
        .min(0)
        .default(20_000_000_000)
        .describe(
          'What the outputs kept on this machine may take. Where they take more, runs are forgotten, those that ' +
            'ended longest ago first, none that ended in the last ten minutes, and nothing is copied.',
        ),
      task_quota_bytes: z
        .int()
        .min(0)
        .default(5_000_000_000)
        .describe(
          'What the outputs of one task may take, each content counted once; a run that would go beyond ends with ' +
            '`limit disk`. From half of it on each run is bound to its part, by what it prints.',
        ),
      keep_ms: ms
        .default(2_592_000_000)
        .describe('How long a run that has ended is kept, with its handles, manifest and `request_key`.'),
      compress_after_ms: ms
        .default(600_000)
        .describe(
          'An output is compressed once it has lain for so long and its worker has nothing to do. 0 never does.',
        ),
    })
    .prefault({})
    .describe(
      'What is kept of runs. Never forgotten are runs that go on, those another run waits for, and private ' +
        'copies that hold more than their diff.',
    ),
  privacy: z
    .strictObject({
      mode: privacyMode
        .default('enforce')
        .describe(
          '`enforce` replaces private values in prompts, inputs, labels, output, names of artifacts, messages and ' +
            'logs by surrogates before they are kept. As they are stay what runs are found and placed by: folders, ' +
            'task ids, names of inputs and workers; and private copies of work trees, until their runs have ended. ' +
            '`off` replaces nothing.',
        ),
      types: z
        .array(privateType)
        .default(['EMAIL', 'PHONE', 'PERSON', 'SECRET'])
        .describe('What is replaced. Of names, those in fields and headers; in prose only some are found.'),
      known_values: z
        .array(z.strictObject({ type: privateType, value: z.string().min(2) }))
        .default([])
        .describe('Values of your own that are replaced wherever they stand, such as names of customers.'),
      allow: z
        .record(plainName, z.array(privateType))
        .default({})
        .describe(
          'Which types are put back, by where they go: `codex-local` (local workers; default EMAIL, PHONE, ' +
            'PERSON), a label of remote workers (default none), a sink: `apply` and `export` (`codex-fleet apply`, ' +
            '`codex-fleet export`; default all) or a name of yours for `codex-fleet export --sink`. In what ' +
            'read_handle shows or exports nothing is ever put back.',
        ),
      without_memory: z
        .enum(['resumable', 'private'])
        .default('resumable')
        .describe(
          'What an engine keeps of a conversation, in its own words, lies on a tmpfs ($XDG_RUNTIME_DIR, /dev/shm) ' +
            'until the run has ended. Where there is none: on disk, or, `private`, nowhere, and the run cannot go ' +
            'on after its process was lost.',
        ),
      keep_secrets: z
        .boolean()
        .default(false)
        .describe(
          'Whether what SECRET surrogates in prompts and output stand for is kept, encrypted; else nobody can put ' +
            'it back. Diffs and artifacts are kept whole for their sinks in any case, encrypted.',
        ),
      keep_ms: ms
        .min(60_000)
        .default(2_592_000_000)
        .describe('How long after its last use the values of a task are kept, encrypted.'),
    })
    .prefault({})
    .describe(
      'Private values in prompts and output. A surrogate such as `EMAIL_…` is the same for the same value in a ' +
        'task, and different in every other task.',
    ),
  sandbox: z
    .strictObject({
      profile: sandboxProfile
        .optional()
        .describe(
          'What commands can reach. `default`: their folder is writable, the rest of the machine read-only, private ' +
            'places of the home folder and the state of the fleet hidden, /tmp their own, no network, no ' +
            'privileges, no process but their own. `strict`: of the home folder only programs are shown, and ' +
            'system calls are filtered. `off`: as much as you. A profile that is set holds whole, or the run is ' +
            'refused. Where none is set it is `default`, as far as this machine can hold it: what a run goes ' +
            'without, it says. Codex confines its own commands.',
        ),
      network: networkGrant
        .default(false)
        .describe(
          'Whether commands reach the network all the same; or the hosts they reach, by a proxy: `HOST`, `*.HOST` ' +
            '(all below it), each at ports 443 and 80, or `HOST:PORT`.',
        ),
      allow_private: z
        .boolean()
        .default(false)
        .describe(
          'Whether listed names may lead into a private network. This machine is reached only where an address of ' +
            'it, or `localhost`, is listed.',
        ),
      write: z.array(absolutePath).default([]).describe('Further paths they may write.'),
      read: z.array(absolutePath).default([]).describe('Paths shown although hidden else.'),
      hide: z.array(absolutePath).default([]).describe('Further paths hidden from them.'),
      tmp_bytes: z.int().min(65_536).default(268_435_456).describe('Room in their own /tmp, in memory.'),
      allow_degraded: z
        .array(sandboxLayer)
        .default([])
        .describe(
          'Layers a run may go without where this machine cannot enforce them; the run and its manifest say so. ' +
            'Without it such a run is refused.',
        ),
    })
    .prefault({})
    .describe('What a `command` stage can see and reach. A pipeline may ask for a stricter profile.'),
  http: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Address to listen on: any other than 127.0.0.1 and ::1 takes `tls`.'),
      tls: z
        .string()
        .startsWith('/')
        .optional()
        .describe('A folder of `codex-fleet certs`, or with cert.pem, key.pem and ca.pem of your own.'),
      enabled: z.boolean().default(true).describe('Whether clients can mount a URL.'),
      port: z.int().min(0).max(65_535).default(0).describe('0 picks a free port once and keeps it.'),
      oauth: oauth
        .optional()
        .describe(
          'Lets in bearers of access tokens of an authorization server, too, each with runs of their own.',
        ),
    })
    .refine(({ host, tls }) => tls !== undefined || loopbackHosts.has(host), {
      error:
        'beyond this machine nothing is served without TLS: make certificates with `codex-fleet certs`, and set "http.tls"',
    })
    .prefault({})
    .describe('Streamable HTTP, with a bearer secret.'),
  runs_dir: z
    .union([z.literal('project'), z.literal('off'), z.string().startsWith('/')])
    .default('project')
    .describe("Where manifests are exported: the task's folder, nowhere, or a folder of your own."),
  max_depth: z
    .int()
    .min(1)
    .max(8)
    .default(1)
    .describe('How deep runs may start runs: 1 means that only you do, and no run does.'),
  reaping: z
    .enum(['auto', 'pid_namespace', 'cgroup', 'best_effort'])
    .default('auto')
    .describe("What kills a run's whole process tree; `auto` takes the strongest there is."),
  idle: z
    .strictObject({
      worker_ms: ms
        .default(600_000)
        .describe('A worker no coordinator is connected to ends after this long without a run.'),
      coordinator_ms: ms
        .default(1_800_000)
        .describe('A coordinator without clients and runs ends after this long.'),
    })
    .prefault({})
    .describe('When unused processes of ours end by themselves.'),
});
export type Config = z.infer<typeof config>;
