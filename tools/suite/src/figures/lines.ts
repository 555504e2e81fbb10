/** The lines that the suite holds itself to. */
interface Bound {
  /** Which number of a figure: a percentile of a spread, or the `value` itself. */
  readonly of: 'p50' | 'p99' | 'max' | 'value'
  readonly most?: number
  readonly least?: number
}

interface Line {
  readonly text: string
  readonly bounds: readonly Bound[]
}

const value = (bound: Omit<Bound, 'of'>): readonly Bound[] => [{ of: 'value', ...bound }]

export const LINES = {
  'flexvolume': {
    text: "FlexVolume mount + unmount, two processes: ≤ 1.0 × the original's Go driver (recorded elsewhere: p50 2.3 ms)",
    bounds: [{ of: 'p50', most: 2.3 }],
  },
  'sia-init': {
    text: '`sia init`, ZTS of 20 ms, mount → credentials on disk: p50 ≤ 60 ms, p99 ≤ 150 ms',
    bounds: [{ of: 'p50', most: 60 }, { of: 'p99', most: 150 }],
  },
  'burst': {
    text: 'burst of 110 pods on 2 cores: p99 ≤ 2 s, none failed',
    bounds: [{ of: 'p99', most: 2_000 }],
  },
  'refresher-memory': { text: 'resident memory of a refresher: ≤ 5 MiB (static home)', bounds: value({ most: 5 }) },
  'agent-memory-0': { text: 'agent resident memory, no pods: ≤ 90 MiB', bounds: value({ most: 90 }) },
  'agent-memory-100': { text: 'agent resident memory, 100 pods: ≤ 100 MiB', bounds: value({ most: 100 }) },
  'agent-memory-250': { text: 'agent resident memory, 250 pods: ≤ 120 MiB', bounds: value({ most: 120 }) },
  'agent-growth': {
    text: 'agent memory does not grow over hours of renewals (resident, over the last third of them: ≤ 2 MiB)',
    bounds: value({ most: 2 }),
  },
  'webhook-latency': {
    text: 'webhook at 200 reviews/s on one core: p99 ≤ 2 ms',
    bounds: [{ of: 'p99', most: 2 }],
  },
  'webhook-rate': { text: 'webhook: ≥ 5 000 reviews/s on one core', bounds: value({ least: 5_000 }) },
  'signatures': {
    text: 'document signatures: ≥ 8 000/s per core over keep-alive mutual TLS',
    bounds: value({ least: 8_000 }),
  },
  'verifications': {
    text: 'verifications: ≥ 3 000/s per core over keep-alive mutual TLS',
    bounds: value({ least: 3_000 }),
  },
  'wiped': { text: 'pod gone → key wiped at the agent: ≤ 5 s', bounds: [{ of: 'max', most: 5_000 }] },
  'deleted': { text: 'pod gone → instance deleted at ZTS: ≤ 60 s', bounds: [{ of: 'max', most: 60_000 }] },
  'herd': {
    text: 'herd index, 10 000 certificates of one minute: ≤ 1.5 from the second cycle on',
    bounds: value({ most: 1.5 }),
  },
  'pod-start-added': {
    text: 'pod start on a real kubelet, what identity adds: p50 ≤ 250 ms',
    bounds: [{ of: 'p50', most: 250 }],
  },
  'cluster-burst-failed': { text: 'burst on a real kubelet: none failed', bounds: value({ most: 0 }) },
  'torn-reads': {
    text: 'torn reads (reader pins `..data`, or opens the bundle): 0 in 10⁶',
    bounds: value({ most: 0 }),
  },
} as const satisfies Readonly<Record<string, Line>>

export type Measured = Readonly<Partial<Record<Bound['of'], number>>>

export type LineId = keyof typeof LINES

/** A number that a line needs and the figure lacks is a line missed. */
export function judge(id: LineId, measured: Measured): boolean {
  const { bounds }: Line = LINES[id]
  return bounds.every(({ of, most = Infinity, least = -Infinity }) => {
    const found = measured[of] ?? Number.NaN
    return found <= most && found >= least
  })
}
