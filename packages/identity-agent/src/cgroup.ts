/**
 * The pod that a process belongs to, read from the text of `/proc/<pid>/cgroup` and nothing else.
 *
 * Names the pod only when every hierarchy that places the process names the same one, below a root of kubepods, and when
 * nothing deeper looks like a pod: a workload may create cgroups below its own and call them what it likes.
 * That root is where the kubelet puts it: at the top, or below the `Prefix` of a node that is itself a container. Anywhere
 * else somebody to whom a cgroup was delegated could have made one. Forms: spec/node-interfaces.md 6.4.
 */

/** Names of the cgroups above the root of kubepods, the highest first. */
export type Prefix = readonly string[]

/** Where a kubelet puts pods unless its node lies deeper. */
export const AT_THE_TOP: Prefix = []

export type CgroupVerdict =
  | { readonly uid: string }
  | { readonly uid: undefined; readonly why: Refusal }

type Refusal = 'unreadable' | 'no-pod' | 'pods-disagree' | 'pods-nested' | 'not-under-kubepods'

const LINE = /^\d+:[^:]*:(\/.*)$/
const LONGEST = 64 * 1_024

export function podOfCgroups(text: string, prefixes: readonly Prefix[] = [AT_THE_TOP]): CgroupVerdict {
  if (text.length > LONGEST) return refuse('unreadable')
  const lines = text.split('\n').filter((line) => line !== '')
  let pod: string | undefined
  for (const line of lines) {
    const path = LINE.exec(line)?.[1]
    if (path === undefined) return refuse('unreadable')
    const found = podOfPath(path, prefixes)
    if (found === 'root') continue
    if (found.uid === undefined) return found
    if (pod !== undefined && pod !== found.uid) return refuse('pods-disagree')
    pod = found.uid
  }
  return pod === undefined ? refuse('no-pod') : { uid: pod }
}

/** Anything that could pass for a pod, whether or not a kubelet spells it so. */
const LOOKS_LIKE_POD = /pod[0-9a-f][0-9a-f_-]{7}/i

const uuid = (dash: string) => [8, 4, 4, 4, 12].map((digits) => `[0-9a-f]{${digits}}`).join(dash)
/** cgroupfs: `pod<uid>`. */
const DIRECTORY = new RegExp(`^pod(${uuid('-')}|[0-9a-f]{32})$`)
/** systemd: `[<root>-]kubepods[-<qos>]-pod<uid with _>.slice`, with `:<runtime>:<id>` behind it in an older form. */
const SLICE = new RegExp(
  `^((?:[a-z0-9]+-)*kubepods)(-burstable|-besteffort)?-pod(${uuid('_')}|[0-9a-f]{32})\\.slice(:[a-z-]+:[0-9a-f]+)?$`,
)

function podOfPath(path: string, prefixes: readonly Prefix[]): 'root' | CgroupVerdict {
  const { above, segments } = withoutParents(path.split('/').slice(1))
  if (segments.every((segment) => segment === '')) return 'root'
  const candidates = segments.flatMap((segment, index) => (LOOKS_LIKE_POD.test(segment) ? [index] : []))
  const [at, ...deeper] = candidates
  if (at === undefined) return refuse('no-pod')
  if (deeper.length > 0) return refuse('pods-nested')
  const name = segments[at] ?? ''
  const parents = segments.slice(0, at)
  const uid = DIRECTORY.exec(name)?.[1]
  const place = { parents, above, prefixes }
  if (uid !== undefined) return isUnderKubepods(place) ? { uid } : refuse('not-under-kubepods')
  return podOfSlice(name, place)
}

interface Place {
  readonly parents: readonly string[]
  /** Whether upper levels are hidden. */
  readonly above: boolean
  readonly prefixes: readonly Prefix[]
}

function podOfSlice(name: string, place: Place): CgroupVerdict {
  const [, root, qos = '', escaped, runtime] = SLICE.exec(name) ?? []
  if (root === undefined || escaped === undefined) return refuse('not-under-kubepods')
  const wanted = [...slicesOf(root), ...(qos === '' ? [] : [`${root}${qos}.slice`])]
  const placed = runtime === undefined ? isAt(place, wanted) : isAt({ ...place, prefixes: [...place.prefixes, RUNTIME] }, [])
  return placed ? { uid: escaped.replaceAll('_', '-') } : refuse('not-under-kubepods')
}

/** The cgroup of the runtime, below which the older form puts pods. */
const RUNTIME: Prefix = ['system.slice', 'containerd.service']

/** `a-b.slice` lies in `a.slice`, as systemd would have it. */
const slicesOf = (root: string): readonly string[] =>
  root.split('-').map((_, index, words) => `${words.slice(0, index + 1).join('-')}.slice`)

/** `/..` at the front is what a private cgroup namespace shows of the levels above its own. */
function withoutParents(segments: readonly string[]): { above: boolean; segments: readonly string[] } {
  const first = segments.findIndex((segment) => segment !== '..')
  return { above: first !== 0, segments: first === -1 ? [] : segments.slice(first) }
}

function isUnderKubepods(place: Place): boolean {
  const qos = place.parents.at(-1)
  return isAt(place, qos === 'burstable' || qos === 'besteffort' ? ['kubepods', qos] : ['kubepods'])
}

/**
 * Whether the parents are a prefix and `wanted`. Where the namespace hides the upper levels, the lower end of `wanted`
 * suffices, but then nothing else may stand before it.
 */
function isAt({ parents, above, prefixes }: Place, wanted: readonly string[]): boolean {
  if (prefixes.some((prefix) => isSame(parents, [...prefix, ...wanted]))) return true
  return above && parents.length < wanted.length && isSame(parents, wanted.slice(wanted.length - parents.length))
}

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name, index) => name === other[index])

/** Segments of an absolute path; a final slash says nothing. */
export const prefixOf = (path: string): Prefix => path.split('/').filter((name) => name !== '')

/**
 * Where the kubelet of an agent puts pods, from the cgroups of the agent itself: what lies above its own pod. Empty when it
 * is in none, or in a namespace that does not show it.
 */
export function prefixesAround(text: string): readonly Prefix[] {
  const places = text.split('\n').flatMap((line) => {
    const segments = prefixOf(LINE.exec(line)?.[1] ?? '')
    const root = segments.findIndex((name) => ROOT.test(name))
    return root === -1 ? [] : [withoutSlices(segments.slice(0, root), segments[root] ?? '')]
  })
  return podOfCgroups(text, places).uid === undefined ? [] : places
}

const ROOT = /^(kubepods|(?:[a-z0-9]+-)*kubepods(\.slice|-.*:[a-z-]+:[0-9a-f]+))$/

/** The slices that the root of kubepods lies in by its name are part of it. */
const withoutSlices = (parents: Prefix, root: string): Prefix =>
  root.endsWith('.slice') ? parents.slice(0, parents.length - (root.split('-').length - 1)) : parents

const refuse = (why: Refusal): CgroupVerdict => ({ uid: undefined, why })
