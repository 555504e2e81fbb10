/** Pods for tests of what is injected, and what becomes of them without a server. */
import jsonPatch from 'fast-json-patch'
import { inject, type Injection, type InjectionRules } from '../inject.ts'
import { podPartsOf } from '../pod.ts'
import { parseTemplates } from '../templates.ts'
import { initConfig, TRIGGER } from './init-config.ts'

export interface TestPod {
  metadata: { annotations?: Record<string, string>; [field: string]: unknown }
  spec: { volumes?: Item[] | null | undefined; initContainers?: Item[] | null | undefined; containers: Item[]; [field: string]: unknown }
}
export type Item = { name: string; [field: string]: unknown }

export const NATIVE: InjectionRules = { sidecar: 'native', hostNetwork: 'refuse', toleratedEnv: [], toleratedMounts: [] }
export const CONTAINER: InjectionRules = { ...NATIVE, sidecar: 'container' }
export const TEMPLATES = parseTemplates(initConfig())
export const EVERY_POD = parseTemplates(initConfig({ annotationTrigger: '' }))

export const asking = { annotations: { [TRIGGER]: 'true' } }
export const podWith = (spec: Partial<TestPod['spec']> = {}, metadata: TestPod['metadata'] = asking): TestPod => ({
  metadata,
  spec: { containers: [{ name: 'app', image: 'app:1' }], ...spec },
})
/** What is decided on a pod. */
export const run = (pod: TestPod, rules = NATIVE, templates = TEMPLATES): Injection => inject({ ...podPartsOf(pod), hasPrototypeKeys: false }, templates, rules)

/** The pod as it is after its patch, which must apply and leave nothing out. */
export function patched(pod: TestPod, rules = NATIVE, templates = TEMPLATES): TestPod {
  const result = run(pod, rules, templates)
  if (result.kind !== 'patched') throw new Error(`not patched but ${JSON.stringify(result)}`)
  const operations = structuredClone(result.patch) as Parameters<typeof jsonPatch.applyPatch>[1]
  return jsonPatch.applyPatch(structuredClone(pod), operations, true).newDocument
}
export const names = (items: readonly Item[] | null | undefined): string[] => (items ?? []).map(({ name }) => name)
