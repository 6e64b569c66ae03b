/** Every metric the fleet emits. Docs and tests are made from this table. */
export const metrics = {
  'codex.worker_queue_ms': {
    kind: 'histogram',
    unit: 'ms',
    attributes: ['worker_id'],
    description: 'Time from acceptance of a run to its first placement on a worker.',
  },
  'codex.remote_ttfu_ms': {
    kind: 'histogram',
    unit: 'ms',
    attributes: ['worker_id'],
    description: 'Time from placement of an attempt to its first output byte or engine event.',
  },
  'codex.tokens_avoided': {
    kind: 'updowncounter',
    unit: '{token}',
    attributes: ['worker_id', 'method'],
    description:
      'Tokens of what runs put out, added as they end, less those of every reply that reached an agent, by the o200k ' +
      'tokenizer. Method: exact, or sampled where a part of a large output, or of replies, was counted.',
  },
  'codex.bytes_transferred': {
    kind: 'counter',
    unit: 'By',
    attributes: ['worker_id'],
    description:
      'Payload bytes of handles that crossed from a worker to the coordinator, but for those read to count tokens.',
  },
  'codex.values_replaced': {
    kind: 'counter',
    unit: '{value}',
    attributes: ['worker_id', 'type'],
    description: 'Private values replaced by surrogates in what runs put out, by type.',
  },
  'codex.degraded_layers': {
    kind: 'counter',
    unit: '{layer}',
    attributes: ['worker_id', 'layer'],
    description:
      'Layers of the sandbox and of limits that attempts went without, or with less, by leave of the configuration.',
  },
  'codex.escalations': {
    kind: 'counter',
    unit: '{request}',
    attributes: ['worker_id', 'decision'],
    description:
      'Requests of runs for more than they were started with, told as they end. Decision: accepted, declined, ' +
      'or asked, where no answer came.',
  },
  'codex.worker_error': {
    kind: 'counter',
    unit: '{error}',
    attributes: ['worker_id', 'code'],
    description: 'Calls to a worker, and attempts on it, that failed for a reason of the fleet.',
  },
} as const satisfies Record<
  string,
  {
    kind: 'histogram' | 'counter' | 'updowncounter';
    unit: string;
    attributes: readonly string[];
    description: string;
  }
>;

export type MetricName = keyof typeof metrics;

/** Each attribute of a metric, and no other. */
export type MetricAttributes<N extends MetricName> = Readonly<
  Record<(typeof metrics)[N]['attributes'][number], string>
>;
