/** The policies as text: what they say is judged by a real API server, in the admission suite of the cluster. */
import { readFile } from 'node:fs/promises'
import { readSettings } from '@pallas/config/testing'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { initConfig, TRIGGER } from '../testing/init-config.ts'
import { renderPolicy } from './render.ts'
import { runRenderPolicy } from './run.ts'
import { policyProgram } from './settings.ts'

interface Policy {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[]
    readonly matchConstraints?: object
    readonly mutations?: readonly { readonly jsonPatch: { readonly expression: string } }[]
    readonly validations?: readonly { readonly expression: string; readonly message: string }[]
    readonly [field: string]: unknown
  }
}

const rendered = (text = initConfig(), argv: readonly string[] = []): Policy[] => {
  const { templates: _file, ...options } = readSettings(policyProgram, { argv: ['--templates=-', ...argv] })
  return parseAllDocuments(renderPolicy(text, options)).map((document) => document.toJS() as Policy)
}
const mutating = (policies: readonly Policy[]) => policies[0]!.spec
const validating = (policies: readonly Policy[]) => policies[2]!.spec
const messages = (policies: readonly Policy[]) => validating(policies).validations!.map(({ message }) => message)

test('three policies and their bindings come out, for pods that ask, but for those of the suite itself (T24)', () => {
  const policies = rendered()
  expect(policies.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'MutatingAdmissionPolicy athenz-initializer',
    'MutatingAdmissionPolicyBinding athenz-initializer',
    'ValidatingAdmissionPolicy athenz-initializer',
    'ValidatingAdmissionPolicyBinding athenz-initializer',
    'ValidatingAdmissionPolicy athenz-initializer-warnings',
    'ValidatingAdmissionPolicyBinding athenz-initializer-warnings',
  ])
  expect(mutating(policies)).toMatchObject({ failurePolicy: 'Fail', reinvocationPolicy: 'IfNeeded' })
  for (const { spec } of [policies[0]!, policies[2]!, policies[4]!]) {
    expect(JSON.stringify(spec.matchConstraints)).toContain('"NotIn","values":["k8s-admin","kube-system"]')
  }
  const asks = `has(object.metadata.annotations) && '${TRIGGER}' in object.metadata.annotations && object.metadata.annotations['${TRIGGER}'] == 'true'`
  for (const spec of [mutating(policies), validating(policies)]) expect(spec.matchConditions).toContainEqual({ name: 'asks', expression: asks })
})

test('a manifest of the ConfigMap and the templates in it say the same', async () => {
  const manifest = await readFile(new URL('../../../../deploy/base/initializer-config.yaml', import.meta.url), 'utf8')
  const [configMap] = parseAllDocuments(manifest).map((document) => document.toJS() as { readonly data: Readonly<Record<string, string>> })
  expect(rendered(manifest)).toEqual(rendered(configMap!.data['init-config']))
})

test.each<[string, string, string]>([
  ['a ConfigMap without templates', 'kind: ConfigMap\ndata: { other: x }', 'the config map has no key init-config'],
  ['a ConfigMap of nothing', 'kind: ConfigMap', 'the config map has no key init-config'],
  ['templates that are none', 'name: x', 'initTemplate is missing'],
  ['what is no yaml', '{', 'init-config is not yaml'],
])('%s is refused with what is wrong', (_what, text, problem) => {
  expect(() => rendered(text)).toThrow(expect.objectContaining({ code: 'TEMPLATES_INVALID', message: expect.stringContaining(problem) }))
})

describe('settings', () => {
  test('a refresher as one more container is put there, and looked for there', () => {
    const policies = rendered(initConfig(), ['--sidecar=container'])
    const [{ jsonPatch }] = mutating(policies).mutations as [{ jsonPatch: { expression: string } }]
    expect(jsonPatch.expression).toContain(`path: '/spec/containers/0', value: {'name': dyn('sia-refresh')`)
    expect(jsonPatch.expression).not.toContain('restartPolicy')
    expect(JSON.stringify(validating(policies)['variables'])).toContain(`variables.containers.filter(c, c.name == 'sia-refresh')`)
  })

  test("pods on their host's network are refused unless they may pass", () => {
    expect(messages(rendered())).toContainEqual(expect.stringContaining('HOST_NETWORK_REFUSED'))
    expect(messages(rendered(initConfig(), ['--host-network=no-ip']))).not.toContainEqual(expect.stringContaining('HOST_NETWORK_REFUSED'))
  })

  test('what the operator tolerates is named, and by default nothing is', () => {
    const tolerant = JSON.stringify(validating(rendered(initConfig(), ['--tolerated-env=HTTPS_PROXY', '--tolerated-mounts=/etc/ssl/certs'])))
    expect(tolerant).toContain(`e.name in ['HTTPS_PROXY']`)
    expect(tolerant).toContain(`e.mountPath in ['/etc/ssl/certs']`)
    expect(JSON.stringify(rendered())).not.toContain('HTTPS_PROXY')
  })

  test('where every pod is meant, those that cannot be are warned and not stopped', () => {
    const policies = rendered(initConfig({ annotationTrigger: '' }))
    expect(mutating(policies).matchConditions?.map(({ name }) => name)).toEqual(['fit'])
    expect(messages(policies)).not.toContainEqual(expect.stringContaining('POD_UNSUPPORTED'))
    expect(policies[4]!.spec.validations?.map(({ message }) => message)).toContainEqual(expect.stringContaining('POD_UNSUPPORTED'))
  })

  test('images to remove make patches of their own, before what is injected', () => {
    const policies = rendered(initConfig({ removeImages: ['local/mock-sia:latest'] }))
    const expressions = mutating(policies).mutations!.map(({ jsonPatch }) => jsonPatch.expression)
    expect(expressions).toHaveLength(3)
    for (const expression of expressions.slice(0, 2)) expect(expression).toContain(`in ['local/mock-sia']`)
  })

  test.each([['--policy-name=../x'], ['--except-namespaces='], ['--except-namespaces=a b'], ['--tolerated-mounts=tls']])('%s is not taken', (flag) => {
    expect(() => rendered(initConfig(), [flag])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

test('nothing that a template says ends the text it stands in (T26)', () => {
  const init = { name: 'sia-init', image: `i' || true || '`, args: ['\'}]; //', '${x}'], volumeMounts: [{ name: 'sia-identity', mountPath: '/identity' }] }
  const expression = mutating(rendered(initConfig({ initTemplate: init }))).mutations!.at(-1)!.jsonPatch.expression
  expect(expression).toContain(String.raw`dyn('i\' || true || \'')`)
  expect(expression).toContain(String.raw`['\'}]; //', '${'$'}{x}']`)
})

test('the command writes the policies of a file, or its help', async () => {
  const written: string[] = []
  const out = (text: string) => void written.push(text)
  const templates = new URL('../../../../deploy/base/initializer-config.yaml', import.meta.url).pathname
  await runRenderPolicy({ argv: [`--templates=${templates}`], env: {}, out }, '1.2.3')
  expect(written.join('')).toContain('kind: MutatingAdmissionPolicy\n')
  await runRenderPolicy({ argv: ['--help'], env: {}, out }, '1.2.3')
  expect(written.at(-1)).toContain('--except-namespaces')
})
