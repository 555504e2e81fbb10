/** Metrics as Prometheus reads them, and as docs/operations.md lists them. */

export interface Family {
  readonly name: string
  readonly type: string
  /** Labels of each of its samples, without those that belong to the type. */
  readonly samples: readonly Readonly<Record<string, string>>[]
}

/** What every Node program has anyway; its meaning is Node's. */
const isOfTheRuntime = (name: string): boolean => /^(nodejs|process)_/.test(name)

export function familiesIn(text: string): Family[] {
  const lines = text.split('\n')
  const types = lines.flatMap((line) => {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    return name === undefined || type === undefined || isOfTheRuntime(name) ? [] : [{ name, type }]
  })
  return types.map(({ name, type }) => {
    const own = type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
    const samples = lines.filter((line) => own.some((it) => line.startsWith(`${it}{`) || line.startsWith(`${it} `)))
    return { name, type, samples: samples.map(labelsIn) }
  })
}

function labelsIn(line: string): Record<string, string> {
  const [inside = ''] = /\{.*\}/.exec(line) ?? []
  const pairs = inside.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)
  return Object.fromEntries([...pairs].flatMap(([, key = '', value = '']) => (key === 'le' ? [] : [[key, value]])))
}

export interface Documented {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
}

/** Rows between `<!-- metrics -->` and `<!-- end of metrics -->`. */
export function documentedMetrics(page: string): Documented[] {
  const [, table = ''] = /<!-- metrics -->([\s\S]*?)<!-- end of metrics -->/.exec(page) ?? []
  return table.split('\n').flatMap((line) => {
    const [, name, type, labels] = /^\| `(\w+)` \| (\w+) \| ([^|]*) \|/.exec(line) ?? []
    if (name === undefined || type === undefined || labels === undefined) return []
    return [{ name, type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) }]
  })
}
