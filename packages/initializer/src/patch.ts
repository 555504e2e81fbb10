/** RFC 6902 operations on the lists of a pod's spec. Paths are of our own words and indices: nothing needs escaping. */
import type { JsonPatchOperation } from '@pallas/kubernetes'
import type { Named } from './json.ts'
import { type Lists, type Part, scratchVolume } from './parts.ts'
import type { PodParts } from './pod.ts'

/** From the end, so that the indices before stay right. */
export function removals(pod: PodParts, isRemoved: (container: Named) => boolean): JsonPatchOperation[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (pod[list] ?? [])
      .flatMap((container, index) => (isRemoved(container) ? [index] : []))
      .toReversed()
      .map((index) => ({ op: 'remove' as const, path: `/spec/${list}/${index}` })),
  )
}

/** Each part before what its list holds, in their order; the scratch volumes behind them. */
export function additions(pod: PodParts, parts: readonly Part[], scratch: readonly string[]): JsonPatchOperation[] {
  return (['volumes', 'initContainers', 'containers'] as const).flatMap((list) => {
    const first = parts.filter((part) => part.list === list).map(({ template }) => template)
    return addTo(list, pod[list], first, list === 'volumes' ? scratch.map(scratchVolume) : [])
  })
}

function addTo(list: keyof Lists, present: readonly Named[] | undefined, first: readonly Named[], last: readonly Named[]): JsonPatchOperation[] {
  const path = `/spec/${list}`
  const whole = [...first, ...last]
  if (whole.length === 0) return []
  if (present === undefined) return [{ op: 'add', path, value: whole }]
  return [
    ...first.map((value, index) => ({ op: 'add' as const, path: `${path}/${index}`, value })),
    ...last.map((value) => ({ op: 'add' as const, path: `${path}/-`, value })),
  ]
}
