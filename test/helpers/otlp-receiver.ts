import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';

const attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) });
const point = z.object({
  attributes: z.array(attribute),
  asInt: z.coerce.number().optional(),
  asDouble: z.number().optional(),
  count: z.coerce.number().optional(),
  sum: z.number().optional(),
});
const points = z.object({ dataPoints: z.array(point) });
const metric = z.object({
  name: z.string(),
  unit: z.string(),
  description: z.string(),
  sum: points.extend({ isMonotonic: z.boolean() }).optional(),
  histogram: points.optional(),
});
/** ExportMetricsServiceRequest in JSON (opentelemetry-proto, metrics service v1). */
const request = z.object({
  resourceMetrics: z.array(z.object({ scopeMetrics: z.array(z.object({ metrics: z.array(metric) })) })),
});
export type ReceivedMetric = z.infer<typeof metric>;

export interface OtlpReceiver {
  endpoint: string;
  /** Paths that were posted to. */
  paths: string[];
  /** As last told. */
  latest: Map<string, ReceivedMetric>;
  close(): Promise<void>;
}

/** Takes metrics over OTLP/HTTP on the loopback address. */
export async function otlpReceiver(port = 0): Promise<OtlpReceiver> {
  const paths: string[] = [];
  const latest = new Map<string, ReceivedMetric>();
  const server = createServer((message, response) => {
    void buffer(message).then((body) => {
      paths.push(message.url ?? '');
      const told = request.parse(JSON.parse(body.toString('utf8')));
      for (const { scopeMetrics } of told.resourceMetrics) {
        for (const { metrics } of scopeMetrics) for (const one of metrics) latest.set(one.name, one);
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const at = typeof address === 'object' && address !== null ? address.port : port;
  return {
    endpoint: `http://127.0.0.1:${String(at)}`,
    paths,
    latest,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
