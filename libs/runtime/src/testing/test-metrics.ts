import { createMetrics, type Metrics } from '../metrics.ts'

export interface TestMetrics extends Metrics {
  /** Sum of the samples of `athenz_test_<name>` that carry these labels; 0 when there is none. */
  value(name: string, labels?: Readonly<Record<string, string | number>>): Promise<number>
}

export function testMetrics(): TestMetrics {
  const metrics = createMetrics('test')
  return {
    ...metrics,
    async value(name, labels = {}) {
      const all = await metrics.registry.getMetricsAsJSON()
      const samples = all.find((metric) => metric.name === `athenz_test_${name}`)?.values ?? []
      const wanted = Object.entries(labels)
      return samples
        .filter((sample) => wanted.every(([key, value]) => Object.entries(sample.labels).some(([k, v]) => k === key && v === value)))
        .reduce((sum, sample) => sum + sample.value, 0)
    },
  }
}
