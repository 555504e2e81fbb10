/**
 * The pod that a process belongs to, read from the text of `/proc/<pid>/cgroup` and nothing else.
 *
 * Names the pod only when every hierarchy that places the process names the same one, below a root of kubepods, and when
 * nothing deeper looks like a pod: a workload may create cgroups below its own and call them what it likes.
 * Forms: spec/node-interfaces.md 6.4.
 */

export type CgroupVerdict =
  | { readonly uid: string }
  | { readonly uid: undefined; readonly why: Refusal }

type Refusal = 'unreadable' | 'no-pod' | 'pods-disagree' | 'pods-nested' | 'not-under-kubepods'

const LINE = /^\d+:[^:]*:(\/.*)$/
const LONGEST = 64 * 1_024

export function podOfCgroups(text: string): CgroupVerdict {
  if (text.length > LONGEST) return refuse('unreadable')
  const lines = text.split('\n').filter((line) => line !== '')
  let pod: string | undefined
  for (const line of lines) {
    const path = LINE.exec(line)?.[1]
    if (path === undefined) return refuse('unreadable')
    const found = podOfPath(path)
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

function podOfPath(path: string): 'root' | CgroupVerdict {
  const { above, segments } = withoutParents(path.split('/').slice(1))
  if (segments.every((segment) => segment === '')) return 'root'
  const candidates = segments.flatMap((segment, index) => (LOOKS_LIKE_POD.test(segment) ? [index] : []))
  const [at, ...deeper] = candidates
  if (at === undefined) return refuse('no-pod')
  if (deeper.length > 0) return refuse('pods-nested')
  const name = segments[at] ?? ''
  const parents = segments.slice(0, at)
  const uid = DIRECTORY.exec(name)?.[1]
  if (uid !== undefined) return isUnderKubepods(parents, above) ? { uid } : refuse('not-under-kubepods')
  return podOfSlice(name, parents, above)
}

function podOfSlice(name: string, parents: readonly string[], above: boolean): CgroupVerdict {
  const [, root, qos = '', escaped, runtime] = SLICE.exec(name) ?? []
  if (root === undefined || escaped === undefined) return refuse('not-under-kubepods')
  const wanted = [`${root}.slice`, ...(qos === '' ? [] : [`${root}${qos}.slice`])]
  const placed = runtime === undefined ? endsWith(parents, wanted, above) : !isOfUser(parents)
  return placed ? { uid: escaped.replaceAll('_', '-') } : refuse('not-under-kubepods')
}

/** `/..` at the front is what a private cgroup namespace shows of the levels above its own. */
function withoutParents(segments: readonly string[]): { above: boolean; segments: readonly string[] } {
  const first = segments.findIndex((segment) => segment !== '..')
  return { above: first !== 0, segments: first === -1 ? [] : segments.slice(first) }
}

function isUnderKubepods(parents: readonly string[], above: boolean): boolean {
  const qos = parents.at(-1)
  return endsWith(parents, qos === 'burstable' || qos === 'besteffort' ? ['kubepods', qos] : ['kubepods'], above)
}

/**
 * Whether the parents end in `wanted`. Where the namespace hides the upper levels, the lower end of `wanted` suffices,
 * but then nothing else may stand before it.
 */
function endsWith(parents: readonly string[], wanted: readonly string[], above: boolean): boolean {
  if (isOfUser(parents)) return false
  const whole = wanted.every((name, index) => parents[parents.length - wanted.length + index] === name)
  if (whole) return true
  const hidden = wanted.length - parents.length
  return above && hidden > 0 && parents.every((name, index) => name === wanted[hidden + index])
}

/** systemd delegates cgroups to ordinary users of the host: what they create there is no pod. */
const isOfUser = ([first]: readonly string[]): boolean => first === 'user.slice'

const refuse = (why: Refusal): CgroupVerdict => ({ uid: undefined, why })
