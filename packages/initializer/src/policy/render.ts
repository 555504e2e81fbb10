import { stringify } from 'yaml'
import { TemplatesError } from '../error.ts'
import { fieldOf, isFields } from '../json.ts'
import { parseTemplates } from '../templates.ts'
import { parseMapping } from '../yaml.ts'
import { policiesOf } from './policy.ts'
import type { PolicySettings } from './settings.ts'

export type RenderOptions = Omit<PolicySettings, 'templates'>

const HEAD = `# Made by \`athenz-initializer render-policy\` from the templates of the initializer: what is changed here by hand is lost.
# One policy makes the pods, one refuses those that are not what it makes, one warns. Kubernetes 1.36 or later.
`

/** Text of a ConfigMap's manifest, or of the templates → the manifests of the policies. Throws `TemplatesError` with every problem. */
export function renderPolicy(text: string, { policyName: name, ...options }: RenderOptions): string {
  const policies = policiesOf(parseTemplates(initConfigIn(text)), { name, ...options })
  return HEAD + policies.map((policy) => stringify(policy, { lineWidth: 0 })).join('---\n')
}

function initConfigIn(text: string): string {
  const document = parseMapping(text)
  if (typeof document === 'string' || fieldOf(document, 'kind') !== 'ConfigMap') return text
  const data = fieldOf(document, 'data')
  const config = isFields(data) ? fieldOf(data, 'init-config') : undefined
  if (typeof config === 'string') return config
  throw new TemplatesError(['the config map has no key init-config'])
}
