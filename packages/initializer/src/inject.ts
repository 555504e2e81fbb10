/** Pod and templates → what to do with the pod: nothing, a JSON patch, or a refusal that says what is in the way. */
import type { ReasonCode } from '@pallas/identity'
import type { JsonPatchOperation } from '@pallas/kubernetes'
import type { Tolerance } from './harmless.ts'
import { imageName } from './image-name.ts'
import { fieldOf, type Named } from './json.ts'
import { partsOf, stateOf, volumeTitle } from './parts.ts'
import { additions, removals } from './patch.ts'
import type { PodParts, ReviewedPod } from './pod.ts'
import type { Templates } from './templates.ts'

export interface InjectionRules extends Tolerance {
  readonly sidecar: 'native' | 'container'
  readonly hostNetwork: 'refuse' | 'no-ip'
}

export type Injection =
  /** `skipped` says why a pod that would have been meant gets nothing. */
  | { readonly kind: 'untouched'; readonly skipped?: string }
  | { readonly kind: 'patched'; readonly patch: readonly JsonPatchOperation[] }
  | { readonly kind: 'refused'; readonly reason: ReasonCode; readonly message: string }

/**
 * A pod that carries all parts already is left as it is, whatever the server has filled in since; so a second look at a
 * patched pod changes nothing. A part of the same name that is not ours, or only some of ours, is a refusal
 * that names the field which differs.
 */
export function inject(pod: ReviewedPod, templates: Templates, rules: InjectionRules): Injection {
  if (!isMeant(pod, templates)) return { kind: 'untouched', ...nearMiss(pod, templates) }
  const unfit = unfitness(pod, rules)
  // Whoever did not ask is not stopped for what they could not get.
  if (unfit !== undefined) return templates.annotationTrigger === '' ? { kind: 'untouched', skipped: unfit.message } : unfit

  const { parts, scratch, isRemoved, isEmpty, isComplete, collisions } = examine(pod, templates, rules)
  if (isEmpty) return refused('POD_UNSUPPORTED', 'every container of the pod runs an image that is removed')
  if (collisions.length > 0) return refused('INJECTION_COLLISION', collisions.join('; '))

  const patch = [...removals(pod, isRemoved), ...(isComplete ? [] : additions(pod, parts, scratch))]
  return patch.length === 0 ? { kind: 'untouched' } : { kind: 'patched', patch }
}

/** Whether the pod asks by these templates, may have what it asks for, and has all of it. */
export function carries(pod: ReviewedPod, templates: Templates, rules: InjectionRules): boolean {
  if (!isMeant(pod, templates) || unfitness(pod, rules) !== undefined) return false
  const { isEmpty, isComplete, collisions } = examine(pod, templates, rules)
  return !isEmpty && isComplete && collisions.length === 0
}

/** What the pod has of what is injected, and what is in the way of the rest. */
function examine(pod: ReviewedPod, templates: Templates, rules: InjectionRules) {
  const parts = partsOf(templates, rules.sidecar, { ...rules, hostNetwork: pod.hostNetwork })
  const isOurs = (it: Named): boolean => parts.some((part) => part.list !== 'volumes' && it.name === part.template.name && part.difference(it) === undefined)
  const isRemoved = (it: Named): boolean => !isOurs(it) && runsOneOf(templates.removeImages, it)
  const kept = {
    volumes: pod.volumes ?? [],
    initContainers: (pod.initContainers ?? []).filter((it) => !isRemoved(it)),
    containers: pod.containers.filter((it) => !isRemoved(it)),
  }
  const states = parts.map((part) => ({ ...part, state: stateOf(part, kept) }))
  const missing = states.filter(({ state }) => state.kind === 'missing')
  const scratch = templates.scratch.filter((name) => !kept.volumes.some((volume) => volume.name === name))
  const collisions = [
    ...states.flatMap(({ title, state }) => (state.kind === 'other' ? [`${title} differs from the one that is injected${state.because}`] : [])),
    ...templates.scratch.filter((name) => kept.volumes.some((it) => it.name === name && !Object.hasOwn(it, 'emptyDir'))).map(notScratch),
  ]
  const isComplete = missing.length === 0 && scratch.length === 0
  if (collisions.length === 0 && !isComplete && missing.length < parts.length) {
    const lacking = [...missing.map(({ title }) => title), ...scratch.map(volumeTitle)]
    collisions.push(`the pod is injected in part: it lacks ${lacking.join(', ')}`)
  }
  return { parts, scratch, isRemoved, isEmpty: kept.containers.length === 0, isComplete, collisions }
}

function isMeant({ annotations }: PodParts, { annotationTrigger }: Templates): boolean {
  return annotationTrigger === '' || fieldOf(annotations, annotationTrigger) === 'true'
}

/** Whoever writes the annotation wants to know when it says nothing; `"false"` is a clear word. */
function nearMiss({ annotations }: PodParts, { annotationTrigger }: Templates): { readonly skipped?: string } {
  const said = fieldOf(annotations, annotationTrigger)
  if (said === undefined || said === 'false') return {}
  return { skipped: `the pod gets no athenz identity: ${annotationTrigger} is not "true"` }
}

function unfitness({ windows, hostNetwork, hasPrototypeKeys }: ReviewedPod, rules: InjectionRules) {
  if (hasPrototypeKeys) return refused('POD_UNSUPPORTED', 'a pod with a key named __proto__, or with constructor.prototype, gets no athenz identity')
  if (windows) return refused('POD_UNSUPPORTED', 'windows pods get no athenz identity')
  if (hostNetwork && rules.hostNetwork === 'refuse') {
    return refused('HOST_NETWORK_REFUSED', "pods on their host's network get no athenz identity")
  }
  return undefined
}

function runsOneOf(images: readonly string[], container: Named): boolean {
  const image = fieldOf(container, 'image')
  return typeof image === 'string' && images.includes(imageName(image))
}

const notScratch = (name: string): string => `${volumeTitle(name)} must be an emptyDir`

const refused = (reason: ReasonCode, message: string) => ({ kind: 'refused', reason, message }) as const
