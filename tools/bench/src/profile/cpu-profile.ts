/** Reads what `node --cpu-prof` writes: where the time went, by function and by module. */
interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

export interface Share {
  readonly name: string
  readonly selfMs: number
}

/** Self time by key, greatest first. */
function selfTimes(profile: CpuProfile, keyOf: (frame: CallFrame) => string): readonly Share[] {
  const keys = new Map(profile.nodes.map(({ id, callFrame }) => [id, keyOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [i, id] of profile.samples.entries()) {
    const key = keys.get(id) ?? 'unknown'
    times.set(key, (times.get(key) ?? 0) + (profile.timeDeltas[i] ?? 0))
  }
  return [...times].map(([name, us]) => ({ name, selfMs: us / 1_000 })).toSorted((a, b) => b.selfMs - a.selfMs)
}

export const byFunction = (profile: CpuProfile): readonly Share[] =>
  selfTimes(profile, (frame) =>
    isPlace(frame) ? `${frame.functionName || '(module)'} ${shortened(frame.url)}:${frame.lineNumber + 1}` : frame.functionName,
  )

/** A package of node_modules, a project of the repository, a room of Node, or what V8 says in parentheses. */
export const byModule = (profile: CpuProfile): readonly Share[] =>
  selfTimes(profile, (frame) => (isPlace(frame) ? moduleOf(frame.url) : frame.functionName))

const isPlace = ({ url }: CallFrame): boolean => url !== ''

export function moduleOf(url: string): string {
  if (url.startsWith('node:')) return url.split('/').slice(0, 3).join('/')
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  return inPackage ?? /\/((?:packages|libs|tools)\/[^/]+)\//.exec(url)?.[1] ?? shortened(url)
}

const shortened = (url: string): string => url.replace(/^file:\/\//, '').split('/').slice(-3).join('/')

export const parseCpuProfile = (text: string): CpuProfile => JSON.parse(text) as CpuProfile
