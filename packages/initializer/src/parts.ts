/** The three things that are injected: what each is, where it goes, and what a pod has in its place. */
import type { Named } from './json.ts'
import { containerDifference, type PartRules, volumeDifference } from './same-part.ts'
import type { Templates } from './templates.ts'

/** The lists of a pod's spec. */
export type Lists<T = readonly Named[]> = Readonly<Record<'volumes' | 'initContainers' | 'containers', T>>

export interface Part {
  readonly list: keyof Lists
  readonly template: Named
  readonly title: string
  /** The first field in which something of a pod is not what this part is; undefined: it is this part. */
  readonly difference: (it: Named) => string | undefined
}

export function partsOf({ volume, init, refresh }: Templates, sidecar: 'native' | 'container', rules: PartRules): readonly Part[] {
  const container = (list: 'initContainers' | 'containers', template: Named): Part => ({
    list,
    template,
    title: containerTitle(template.name),
    difference: (it) => containerDifference(template, it, rules),
  })
  return [
    { list: 'volumes', template: volume, title: volumeTitle(volume.name), difference: (it) => volumeDifference(volume, it) },
    container('initContainers', init),
    sidecar === 'native' ? container('initContainers', { ...refresh, restartPolicy: 'Always' }) : container('containers', refresh),
  ]
}

export type PartState =
  | { readonly kind: 'missing' | 'ours' }
  /** `because` goes on after "differs from the one that is injected". */
  | { readonly kind: 'other'; readonly because: string }

/** Container names are one space over both lists of containers. */
export function stateOf({ list, template, difference }: Part, pod: Lists): PartState {
  const all = list === 'volumes' ? pod.volumes : [...pod.initContainers, ...pod.containers]
  const [first, ...more] = all.filter(({ name }) => name === template.name)
  if (first === undefined) return { kind: 'missing' }
  if (more.length > 0) return { kind: 'other', because: ': its name is there twice' }
  if (!pod[list].includes(first)) return { kind: 'other', because: `: it is not one of the ${list}` }
  const field = difference(first)
  return field === undefined ? { kind: 'ours' } : { kind: 'other', because: ` at ${field}` }
}

/** Private keys lie in it: they never reach a disk of the node. The kubelet gives it this much and no more of its memory. */
export const scratchVolume = (name: string): Named => ({ name, emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } })

export const volumeTitle = (name: string): string => `volume "${name}"`

const containerTitle = (name: string): string => `container "${name}"`
