/** Pods that the API server takes, of any shape, some of them with our own names. */
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { type Item, namesIn } from './made.ts'

const OURS = ['sia-identity', 'sia-init', 'sia-refresh', 'ntoken', 'tlscerts']
const label = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^[a-z]([a-z0-9-]{0,12}[a-z0-9])?$/) },
  { weight: 1, arbitrary: fc.constantFrom(...OURS) },
  { weight: 1, arbitrary: fc.constantFrom('constructor', 'prototype', 'valueof') },
)
const key = fc.oneof(label, fc.constantFrom('constructor', 'toString', 'a.example/b', 'note'))
const text = fc.oneof(fc.string({ minLength: 1, maxLength: 40 }), fc.constantFrom('../../etc', '~1~0/', '$(HOME)', '{{.}}', '"},{"op":"remove"'))

const source = fc.constantFrom<object>(
  { emptyDir: {} },
  { hostPath: { path: '/var/log' } },
  { configMap: { name: 'x' } },
  { emptyDir: { medium: 'Memory' } },
)
const volume = fc.tuple(label, source).map(([name, kind]) => ({ name, ...kind }))

const PATHS = ['/identity', '/tls', '/data', '/x/../y']
const mountsOf = (volumes: readonly Item[]) => volumes.map(({ name }, index) => ({ name, mountPath: PATHS[index] ?? `/m${index}` }))

const containerWith = (volumes: readonly Item[]) =>
  fc.record({
    name: label,
    image: fc.constantFrom('app', 'app:1', 'local/k8s-athenz-sia:latest', 'r:5000/a/b', `a@sha256:${'0'.repeat(64)}`),
    more: fc.record(
      {
        env: fc.array(fc.record({ name: fc.constantFrom('A', 'B', 'LD_PRELOAD', 'ENDPOINT'), value: text }), { minLength: 1, maxLength: 2 }),
        args: fc.array(text, { minLength: 1, maxLength: 2 }),
        securityContext: fc.constantFrom({ privileged: true }, { runAsUser: 0 }, {}),
        ports: fc.constant([{ containerPort: 8080, protocol: 'TCP' }]),
        ...(volumes.length === 0 ? {} : { volumeMounts: fc.constant(mountsOf(volumes)) }),
      },
      { requiredKeys: [] },
    ),
  }).map(({ name, image, more }) => ({ name, image, ...more }))

const byName = { selector: ({ name }: Item) => name }

/** Pods that the API server takes. */
export const anyPods = fc.uniqueArray(volume, { ...byName, maxLength: 4 }).chain((volumes) =>
  fc.record({
    metadata: fc.record({
      annotations: fc.dictionary(key, text, { maxKeys: 3 }),
      labels: fc.dictionary(key, fc.constantFrom('', 'x', 'a.b_c'), { maxKeys: 2 }),
    }),
    all: fc.uniqueArray(containerWith(volumes), { ...byName, minLength: 1, maxLength: 4 }),
    init: fc.nat(3),
    spec: fc.record(
      {
        nodeSelector: fc.constantFrom({ disk: 'ssd' }, { constructor: 'x' }),
        hostAliases: fc.constant([{ ip: '10.0.0.1', hostnames: ['a'] }]),
        terminationGracePeriodSeconds: fc.nat(60),
        securityContext: fc.constantFrom({ fsGroup: 2_000 }, { runAsUser: 10_001 }),
        hostname: label,
      },
      { requiredKeys: [] },
    ),
    volumes: fc.constant(volumes),
  }),
).map(({ metadata, all, init, spec, volumes }) => {
  const cut = Math.min(init, all.length - 1)
  const [initContainers, containers] = [all.slice(0, cut), all.slice(cut)]
  return { metadata, spec: { ...spec, containers, ...(cut === 0 ? {} : { initContainers }), ...(volumes.length === 0 ? {} : { volumes }) } }
})

/** Every item as it was made is there, in its order, with nothing but what the server itself adds. */
export function expectKept(made: readonly Item[] | undefined, own: readonly Item[] | undefined): void {
  const names = namesIn(own)
  const kept = (made ?? []).filter(({ name }) => names.includes(name))
  expect(namesIn(kept)).toEqual(names)
  for (const [index, item] of kept.entries()) {
    const { volumeMounts = [], ...rest } = own?.[index] ?? { name: '' }
    expect(item).toMatchObject(rest)
    if ('image' in rest) expect(item['volumeMounts'] ?? []).toEqual(expect.arrayContaining(volumeMounts as object[]))
  }
}
