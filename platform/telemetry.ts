import type { Attributes } from '@opentelemetry/api';
import { metrics, type MetricAttributes, type MetricName } from '../schemas/metrics.ts';
import type { Environment } from './environment.ts';
import { version } from './version.ts';

export interface Telemetry {
  /** Whether anything that is recorded is sent. */
  readonly isSent: boolean;
  /** Adds to a counter, or records one value of a histogram; with the attributes the table of metrics names. */
  record<N extends MetricName>(name: N, value: number, attributes: MetricAttributes<N>): void;
  /** Sends what is pending and ends; never throws. */
  close(): Promise<void>;
}

export const silent: Telemetry = { isSent: false, record: () => undefined, close: () => Promise.resolve() };

/**
 * Metrics over OTLP/HTTP, only where the standard endpoint variable is set (OpenTelemetry
 * specification, "OTLP exporter configuration"); otherwise nothing is loaded and nothing leaves.
 */
export async function createTelemetry(env: Environment): Promise<Telemetry> {
  const endpoint = env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (endpoint === undefined || endpoint === '') return silent;
  const [{ MeterProvider, PeriodicExportingMetricReader }, { OTLPMetricExporter }] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
  ]);
  const interval = Number(env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000);
  const provider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter(),
        exportIntervalMillis: interval,
        exportTimeoutMillis: Math.min(interval, 10_000),
      }),
    ],
  });
  const meter = provider.getMeter('codex-fleet', version);
  const record = new Map<string, (value: number, attributes: Attributes) => void>();
  for (const [name, metric] of Object.entries(metrics)) {
    const options = { unit: metric.unit, description: metric.description };
    if (metric.kind === 'histogram') {
      const histogram = meter.createHistogram(name, options);
      record.set(name, (value, attributes) => {
        histogram.record(value, attributes);
      });
    } else {
      const isCounter = metric.kind === 'counter';
      const counter = isCounter
        ? meter.createCounter(name, options)
        : meter.createUpDownCounter(name, options);
      record.set(name, (value, attributes) => {
        counter.add(value, attributes);
      });
    }
  }
  return {
    isSent: true,
    record: (name, value, attributes) => record.get(name)?.(value, attributes),
    close: () => provider.shutdown().catch(() => undefined),
  };
}
