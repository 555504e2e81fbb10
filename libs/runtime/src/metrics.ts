import {
  collectDefaultMetrics,
  Counter,
  type CounterConfiguration,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client'

export type { Counter, Gauge, Histogram, Registry }

/** Name and help of one metric. Labels are few, fixed and closed: reason codes, never names of pods. */
export interface Metric<L extends string> {
  /** After `athenz_<program>_`, with the unit: `issue_duration_seconds`. */
  readonly name: string
  /** The name is one that others gave and dashboards rely on: it stands as it is. */
  readonly isForeign?: true
  readonly help: string
  readonly labels?: readonly L[]
}

/** The metrics of one process, in a registry of its own. */
export interface Metrics {
  readonly registry: Registry
  counter<L extends string = never>(metric: Metric<L>): Counter<L>
  gauge<L extends string = never>(metric: Metric<L> & { readonly collect?: () => number }): Gauge<L>
  histogram<L extends string = never>(metric: Metric<L> & { readonly buckets: readonly number[] }): Histogram<L>
}

/** `program` in snake case, such as `identity_agent`. `process: true` adds memory, CPU and event loop of this process. */
export function createMetrics(program: string, options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  const common = <L extends string>({ name, isForeign, help, labels = [] }: Metric<L>) => ({
    name: isForeign ? name : `athenz_${program}_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  return {
    registry,
    counter: <L extends string>(metric: Metric<L>) => new Counter<L>(common(metric) satisfies CounterConfiguration<L>),
    gauge: <L extends string>(metric: Metric<L> & { readonly collect?: () => number }) => {
      const { collect } = metric
      const config: GaugeConfiguration<L> = common(metric)
      if (collect === undefined) return new Gauge<L>(config)
      return new Gauge<L>({
        ...config,
        collect() {
          this.set(collect())
        },
      })
    },
    histogram: <L extends string>(metric: Metric<L> & { readonly buckets: readonly number[] }) =>
      new Histogram<L>({ ...common(metric), buckets: [...metric.buckets] } satisfies HistogramConfiguration<L>),
  }
}
