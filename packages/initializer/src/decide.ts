/** What is done with a pod while the templates change: replicas learn of that one after the other, and see each other's pods. */
import { carries, inject, type Injection, type InjectionRules } from './inject.ts'
import type { ReviewedPod } from './pod.ts'
import type { TemplateSource } from './template-source.ts'

export type Generations = Pick<TemplateSource, 'current' | 'former' | 'refresh'>

/**
 * As `inject` by the templates of now. Before a collision is told, the pod may have been injected by a replica that knows older
 * templates, which are remembered for a while, or newer ones, which are read at once.
 */
export async function decide(pod: ReviewedPod, templates: Generations, rules: InjectionRules): Promise<Injection> {
  const first = byEither(pod, templates, rules)
  if (!isCollision(first)) return first
  await templates.refresh()
  return byEither(pod, templates, rules)
}

function byEither(pod: ReviewedPod, { current, former }: Generations, rules: InjectionRules): Injection {
  const result = inject(pod, current(), rules)
  const before = former()
  return isCollision(result) && before !== undefined && carries(pod, before, rules) ? { kind: 'untouched' } : result
}

const isCollision = (it: Injection): boolean => it.kind === 'refused' && it.reason === 'INJECTION_COLLISION'
