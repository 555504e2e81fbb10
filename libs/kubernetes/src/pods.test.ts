import { readFile } from 'node:fs/promises'
import { aPod } from '@pallas/identity/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeApi, KubeList } from './api.ts'
import { isKubernetesError } from './error.ts'
import { getPod, listPods, podOf } from './pods.ts'
import { podObjectOf } from './testing/pod-objects.ts'

const fact = JSON.parse(await readFile(new URL('testdata/kubelet-pods-item.json', import.meta.url), 'utf8')) as object

test('a pod recorded from a real kubelet is read', () => {
  expect(podOf(fact)).toEqual({
    namespace: 'default',
    name: 'nripod',
    uid: 'c15177d2-ad46-4710-b275-864804bf3902',
    serviceAccount: 'default',
    node: 'node1',
    ip: '10.77.0.65',
    hostNetwork: false,
    phase: 'Running',
    deleting: false,
    annotations: {
      'kubernetes.io/config.seen': '2026-11-21T10:13:31.632926907Z',
      'kubernetes.io/config.source': 'api',
      'lab.example/a': 'b',
    },
  })
})

test.each([
  ['a new pod', { node: '', ip: '', phase: 'Pending' }],
  ['a pod with an ipv6 address', { ip: 'fd00::1' }],
  ['a pod on the network of its host', { hostNetwork: true }],
  ['a pod that is being deleted', { deleting: true }],
  ['a static pod', { uid: '0123456789abcdef0123456789abcdef', name: 'etcd-node1.example' }],
] as const)('%s is read', (_name, other) => {
  expect(podOf(podObjectOf(aPod(other)))).toEqual(aPod(other))
})

test('what Go leaves out or sends as null has its default', () => {
  const metadata = { namespace: 'a', name: 'b', uid: 'c', annotations: null, deletionTimestamp: null }
  const pod = podOf({ kind: 'Pod', metadata, spec: { serviceAccountName: null }, status: null })
  expect(pod).toMatchObject({
    serviceAccount: 'default',
    node: '',
    ip: '',
    phase: 'Pending',
    deleting: false,
    annotations: {},
  })
})

const good = {
  metadata: { namespace: 'media', name: 'web-0', uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11' },
  spec: { nodeName: 'node-1' },
  status: { phase: 'Running' },
}

test.each([
  ['nothing', undefined, ''],
  ['a text', 'pod', ''],
  ['a list', [good], ''],
  ['another kind', { ...good, kind: 'Node' }, 'kind'],
  ['no metadata', { ...good, metadata: undefined }, 'metadata.namespace'],
  ['metadata that are a list', { ...good, metadata: [] }, 'metadata'],
  ['no spec', { ...good, spec: undefined }, 'spec'],
  ['a spec that is a text', { ...good, spec: 'x' }, 'spec'],
  ['a status that is a list', { ...good, status: [] }, 'status'],
  ['no namespace', { ...good, metadata: { ...good.metadata, namespace: '' } }, 'metadata.namespace'],
  ['a namespace with a dot', { ...good, metadata: { ...good.metadata, namespace: 'a.b' } }, 'metadata.namespace'],
  ['a name with a slash', { ...good, metadata: { ...good.metadata, name: 'a/b' } }, 'metadata.name'],
  ['a name that climbs', { ...good, metadata: { ...good.metadata, name: '..' } }, 'metadata.name'],
  ['a name too long', { ...good, metadata: { ...good.metadata, name: 'a'.repeat(254) } }, 'metadata.name'],
  ['no uid', { ...good, metadata: { ...good.metadata, uid: null } }, 'metadata.uid'],
  ['a uid with a slash', { ...good, metadata: { ...good.metadata, uid: 'a/../b' } }, 'metadata.uid'],
  ['a uid that is a number', { ...good, metadata: { ...good.metadata, uid: 7 } }, 'metadata.uid'],
  [
    'annotations that are no texts',
    { ...good, metadata: { ...good.metadata, annotations: { a: 1 } } },
    'metadata.annotations',
  ],
  ['an account that is a number', { ...good, spec: { serviceAccountName: 1 } }, 'spec.serviceAccountName'],
  ['an account in capitals', { ...good, spec: { serviceAccountName: 'Web' } }, 'spec.serviceAccountName'],
  ['a node that is an object', { ...good, spec: { nodeName: {} } }, 'spec.nodeName'],
  ['a flag that is a text', { ...good, spec: { hostNetwork: 'true' } }, 'spec.hostNetwork'],
  ['an address that is none', { ...good, status: { podIP: '10.0.0.256' } }, 'status.podIP'],
  ['a phase that is a number', { ...good, status: { phase: 1 } }, 'status.phase'],
])('%s is no pod', (_name, object, path) => {
  expect(() => podOf(object)).toThrow(expect.objectContaining({ code: 'KUBE_BAD_ANSWER', fields: { path } }))
})

test('a phase that a later kubelet invents is unknown, and the pod is one all the same', () => {
  expect(podOf({ ...good, status: { phase: 'Paused' } })).toMatchObject({ name: 'web-0', phase: 'Unknown' })
})

test('whatever is given, it is a pod or one clear error', () => {
  const parts = fc.record({ metadata: fc.anything(), spec: fc.anything(), status: fc.anything() }, { requiredKeys: [] })
  const property = fc.property(fc.oneof(fc.anything(), parts), (object) => {
    try {
      expect(podOf(object).uid).not.toBe('')
    } catch (error) {
      expect(isKubernetesError(error, 'KUBE_BAD_ANSWER')).toBe(true)
    }
  })
  fc.assert(property)
})

test('a name that no pod can have is unknown without a call', async () => {
  const api = { get: () => Promise.reject(new Error('called')) }
  for (const name of ['..', 'a/b', 'a?b', '', 'a'.repeat(300), 'a%2fb', '.']) {
    expect(await getPod(api, { namespace: 'media', name })).toBeUndefined()
  }
})

/** A list that never ends. */
const endless: Pick<KubeApi, 'list'> = {
  list: () => Promise.resolve<KubeList>({ items: [good], resourceVersion: '1', continue: 'more' }),
}

test('a list that does not end is refused at its bound', async () => {
  await expect(listPods(endless, { maxPods: 3 })).rejects.toMatchObject({
    code: 'KUBE_BAD_ANSWER',
    fields: { maxPods: 3 },
  })
})
