/** The three things that are injected: what each is, where it goes, and what a pod has in its place. */
import type { Named } from './json.ts'
import { isContainerFrom, isVolumeFrom } from './same-part.ts'
import type { Templates } from './templates.ts'

/** The lists of a pod's spec. */
export type Lists<T = readonly Named[]> = Readonly<Record<'volumes' | 'initContainers' | 'containers', T>>

export interface Part {
  readonly list: keyof Lists
  readonly template: Named
  readonly title: string
}

export function partsOf({ volume, init, refresh }: Templates, sidecar: 'native' | 'container'): readonly Part[] {
  return [
    { list: 'volumes', template: volume, title: volumeTitle(volume.name) },
    { list: 'initContainers', template: init, title: containerTitle(init.name) },
    sidecar === 'native'
      ? { list: 'initContainers', template: { ...refresh, restartPolicy: 'Always' }, title: containerTitle(refresh.name) }
      : { list: 'containers', template: refresh, title: containerTitle(refresh.name) },
  ]
}

export const isFrom = ({ list, template }: Part, it: Named): boolean =>
  list === 'volumes' ? isVolumeFrom(template, it) : isContainerFrom(template, it)

/** Container names are one space over both lists of containers. */
export function stateOf(part: Part, pod: Lists): 'missing' | 'ours' | 'other' {
  const { list, template } = part
  const all = list === 'volumes' ? pod.volumes : [...pod.initContainers, ...pod.containers]
  const found = all.filter(({ name }) => name === template.name)
  if (found.length === 0) return 'missing'
  return found.length === 1 && found.every((it) => pod[list].includes(it) && isFrom(part, it)) ? 'ours' : 'other'
}

export const volumeTitle = (name: string): string => `volume "${name}"`

const containerTitle = (name: string): string => `container "${name}"`
