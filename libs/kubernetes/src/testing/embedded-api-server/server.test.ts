import { systemClock } from '@pallas/runtime'
import { expect, test } from 'vitest'
import { createKubeApi, type KubeApi } from '../../api.ts'
import { podOf } from '../../pods.ts'
import { NODES, pathOf, PODS, SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS } from '../../resources.ts'
import { reviewToken } from '../../token-reviews.ts'
import { eventually } from '../eventually.ts'
import { loopbackCredentials } from '../loopback-credentials.ts'
import { newPodObject } from '../pod-objects.ts'
import { type CallRecord, type EmbeddedApiServerOptions, startEmbeddedApiServer } from './index.ts'

const serverCredentials = await loopbackCredentials()
const world = {
  namespaces: ['media'],
  nodes: [{ name: 'node-1', addresses: [{ type: 'InternalDNS', address: 'node-1.internal' }] }],
  serviceAccounts: [{ namespace: 'media', name: 'web' }],
  users: { kubelet: {}, reader: { groups: ['readers'] } },
  rules: [
    { users: ['kubelet'], verbs: ['get', 'patch', 'delete'], apiGroups: [''], resources: ['pods', 'pods/status'] },
    {
      groups: ['readers'],
      namespaces: ['media'],
      verbs: ['get'],
      apiGroups: [''],
      resources: ['pods'],
      resourceNames: ['web'],
    },
    { groups: ['system:serviceaccounts:media'], verbs: ['list'], apiGroups: [''], resources: ['nodes'] },
    { groups: ['readers'], verbs: ['get'], apiGroups: [''], resources: ['nodes/pods'] },
  ],
}

const open = (options: Partial<EmbeddedApiServerOptions> = {}) =>
  startEmbeddedApiServer({ serverCredentials, world, ...options })

const pods = pathOf(PODS, { namespace: 'media' })
const named = (name: string, subresource?: string) =>
  pathOf(PODS, { namespace: 'media', name, ...(subresource === undefined ? {} : { subresource }) })

const makePod = (api: KubeApi, name: string, spec: object = {}) =>
  api.create(pods, newPodObject({ name }, { serviceAccountName: 'web', ...spec }))

const bound = (api: KubeApi, name: string) =>
  eventually(async () => {
    const pod = podOf(await api.get(named(name)))
    return pod.node === '' ? undefined : pod
  })

test('a new pod is scheduled to the node, and stays pending until its kubelet says otherwise', async () => {
  await using server = await open()
  const admin = server.client('admin')
  await makePod(admin, 'web')
  expect(await bound(admin, 'web')).toMatchObject({ node: 'node-1', phase: 'Pending', serviceAccount: 'web' })
  const status = { phase: 'Running', podIP: '10.1.2.3' }
  await server.client('kubelet').patch(named('web', 'status'), { kind: 'merge', patch: { status } })
  expect(podOf(await admin.get(named('web')))).toMatchObject({ phase: 'Running', ip: '10.1.2.3' })
})

test('a pod goes to the node that its selector allows', async () => {
  const nodes = [{ name: 'node-1' }, { name: 'node-2', labels: { zone: 'b' } }]
  await using server = await open({ world: { ...world, nodes } })
  const admin = server.client('admin')
  await makePod(admin, 'web', { nodeSelector: { zone: 'b' } })
  expect((await bound(admin, 'web')).node).toBe('node-2')
  await makePod(admin, 'db')
  expect((await bound(admin, 'db')).node).toBe('node-1')
})

test('a pod on a node terminates first, and goes when its kubelet deletes it', async () => {
  await using server = await open()
  const admin = server.client('admin')
  const made = await makePod(admin, 'web', { terminationGracePeriodSeconds: 30 })
  await bound(admin, 'web')
  await admin.delete(named('web'))
  await admin.delete(named('web'), { gracePeriodSeconds: 60 })
  expect(await admin.get(named('web'))).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 } })
  await admin.delete(named('web'), { gracePeriodSeconds: 5 })
  expect(await admin.get(named('web'))).toMatchObject({ metadata: { deletionGracePeriodSeconds: 5 } })
  expect(podOf(await admin.get(named('web'))).deleting).toBe(true)

  const kubelet = server.client('kubelet')
  const another = kubelet.delete(named('web'), { gracePeriodSeconds: 0, uid: 'another' })
  await expect(another).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
  await kubelet.delete(named('web'), { gracePeriodSeconds: 0, uid: String(made.metadata['uid']) })
  await expect(admin.get(named('web'))).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
})

test('a pod on no node goes at once', async () => {
  await using server = await open({ scheduler: false })
  const admin = server.client('admin')
  await makePod(admin, 'web')
  await admin.delete(named('web'))
  await expect(admin.get(named('web'))).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
})

test('a binding is made once', async () => {
  await using server = await open({ scheduler: false })
  const admin = server.client('admin')
  await makePod(admin, 'web')
  const target = { target: { kind: 'Node', name: 'node-1' } }
  await admin.create(named('web', 'binding'), { metadata: { name: 'web' }, ...target })
  const again = admin.create(named('web', 'binding'), { metadata: { name: 'web' }, ...target })
  await expect(again).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
})

test('a pod has what a real server and its service account admission put in', async () => {
  await using server = await open()
  const { spec, status } = await makePod(server.client('admin'), 'web')
  const name = expect.stringMatching(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  expect(spec).toMatchObject({
    serviceAccount: 'web',
    dnsPolicy: 'ClusterFirst',
    tolerations: [{ key: 'node.kubernetes.io/not-ready' }, { key: 'node.kubernetes.io/unreachable' }],
    containers: [{ imagePullPolicy: 'IfNotPresent', volumeMounts: [{ name, readOnly: true, mountPath }] }],
    volumes: [{ name, projected: { defaultMode: 420 } }],
  })
  expect(status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
})

test.each<[string, object, string]>([
  ['a volume of two kinds', { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }, 'spec.volumes[0].hostPath: Forbidden'],
  ['an init container that restarts on failure', { initContainers: [{ name: 'i', image: 'i', restartPolicy: 'OnFailure' }] }, 'spec.initContainers[0].restartPolicy: Invalid value'],
  ['a variable without a name', { initContainers: [{ name: 'i', image: 'i', env: [{ value: 'x' }] }] }, 'spec.initContainers[0].env[0].name: Required value'],
  ['a variable with an equals sign', { initContainers: [{ name: 'i', image: 'i', env: [{ name: 'A=B' }] }] }, 'spec.initContainers[0].env[0].name: Invalid value'],
])('a pod with %s is invalid', async (_what, spec, problem) => {
  await using server = await open()
  const made = makePod(server.client('admin'), 'web', spec)
  await expect(made).rejects.toMatchObject({ status: 422, fields: { detail: expect.stringContaining(problem) } })
})

test('a volume that says nothing is an empty directory', async () => {
  await using server = await open()
  const { spec } = await makePod(server.client('admin'), 'web', { volumes: [{ name: 'v' }] })
  expect(spec).toMatchObject({ volumes: [{ name: 'v', emptyDir: {} }, {}] })
})

test('a pod of an account that does not exist, or in such a namespace, is refused', async () => {
  await using server = await open()
  const admin = server.client('admin')
  const detail = 'pods "web" is forbidden: error looking up service account media/none: serviceaccount "none" not found'
  const made = makePod(admin, 'web', { serviceAccountName: 'none' })
  await expect(made).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', fields: { detail } })
  const nowhere = admin.create(pathOf(PODS, { namespace: 'none' }), newPodObject({ name: 'web' }))
  await expect(nowhere).rejects.toMatchObject({
    code: 'KUBE_NOT_FOUND',
    fields: { detail: 'namespaces "none" not found' },
  })
})

test('the spec of a pod does not change, its labels do, and its status only through status', async () => {
  await using server = await open()
  const admin = server.client('admin')
  await makePod(admin, 'web')
  const { node } = await bound(admin, 'web')
  const moved = admin.patch(named('web'), { kind: 'merge', patch: { spec: { nodeName: 'node-2' } } })
  await expect(moved).rejects.toMatchObject({ code: 'KUBE_INVALID', status: 422 })
  const account = admin.patch(named('web'), { kind: 'merge', patch: { spec: { serviceAccountName: 'default' } } })
  await expect(account).rejects.toMatchObject({ code: 'KUBE_INVALID' })
  const patch = { metadata: { labels: { a: 'b' } }, status: { podIP: '10.9.9.9' } }
  expect(await admin.patch(named('web'), { kind: 'merge', patch })).toMatchObject({ metadata: { labels: { a: 'b' } } })
  expect(podOf(await admin.get(named('web')))).toMatchObject({ node, ip: '' })
})

test('rules are heard to the letter: verb, name, namespace, subresource', async () => {
  await using server = await open()
  await makePod(server.client('admin'), 'web')
  await makePod(server.client('admin'), 'db')
  const reader = server.client('reader')
  expect(await reader.get(named('web'))).toBeDefined()
  for (const refused of [
    reader.get(named('db')),
    reader.get(pathOf(PODS, { namespace: 'default', name: 'web' })),
    reader.list(pods),
    reader.delete(named('web')),
    reader.get(named('web', 'status')),
  ]) {
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  }
})

test('a kubelet can ask who may read its pods', async () => {
  await using server = await open()
  const ask = async (user: string, groups: string[]) => {
    const resourceAttributes = { verb: 'get', resource: 'nodes', subresource: 'pods', name: 'node-1' }
    const review = { metadata: {}, spec: { user, groups, resourceAttributes } }
    const { status } = await server.client('admin').create(pathOf(SUBJECT_ACCESS_REVIEWS), review)
    return (status as { allowed: boolean }).allowed
  }
  expect(await ask('reader', ['readers'])).toBe(true)
  expect(await ask('kubelet', [])).toBe(false)
})

test('a token of an account calls as that account, and dies with the pod that it is bound to', async () => {
  await using server = await open()
  const admin = server.client('admin')
  const made = await makePod(admin, 'web')
  await bound(admin, 'web')
  const token = await server.mintToken({ namespace: 'media', name: 'web', pod: 'web' })
  await using own = createKubeApi({
    server: new URL(server.url),
    ca: server.caPem,
    token: () => Promise.resolve(token),
  })
  expect((await own.list(pathOf(NODES))).items).toHaveLength(1)
  await expect(own.list(pods)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })

  const audiences = ['https://kubernetes.default.svc']
  const pod = { name: 'web', uid: made.metadata['uid'] }
  expect(await reviewToken(admin, { token, audiences })).toMatchObject({ authenticated: true, pod, node: 'node-1' })
  await admin.delete(named('web'), { gracePeriodSeconds: 0 })
  expect(await reviewToken(admin, { token, audiences })).toEqual({ authenticated: false })
  await expect(own.list(pathOf(NODES))).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
})

test('a token dies with its account, even when one of the same name follows', async () => {
  await using server = await open()
  const admin = server.client('admin')
  const audiences = ['pallas']
  const token = await server.mintToken({ namespace: 'media', name: 'web', audiences })
  expect(await reviewToken(admin, { token, audiences })).toMatchObject({ authenticated: true })
  await admin.delete(pathOf(SERVICE_ACCOUNTS, { namespace: 'media', name: 'web' }))
  await admin.create(pathOf(SERVICE_ACCOUNTS, { namespace: 'media' }), { metadata: { name: 'web' } })
  expect(await reviewToken(admin, { token, audiences })).toEqual({ authenticated: false })
})

test('a token expires by the clock of the server', async () => {
  let ahead = 0
  const now = () => systemClock.now() + ahead
  await using server = await open({ clock: { ...systemClock, now } })
  const audiences = ['pallas']
  const token = await server.mintToken({ namespace: 'media', name: 'web', audiences, expirationSeconds: 600 })
  ahead = 601_000
  expect(await reviewToken(server.client('admin'), { token, audiences })).toEqual({ authenticated: false })
})

test('a caller without a token is unauthorized', async () => {
  await using server = await open()
  await using nobody = createKubeApi({
    server: new URL(server.url),
    ca: server.caPem,
    token: () => Promise.resolve(''),
  })
  await expect(nobody.get(named('web'))).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
})

test('faults are what they say', async () => {
  const calls: CallRecord[] = []
  await using server = await open({ onCall: (call) => calls.push(call) })
  const token = () => Promise.resolve(server.tokenFor('admin'))
  await using admin = createKubeApi({ server: new URL(server.url), ca: server.caPem, token, timeoutMs: 300 })
  const nodes = () => admin.list(pathOf(NODES))
  server.faults.status(503, 7)
  await expect(nodes()).rejects.toMatchObject({ code: 'KUBE_BUSY', status: 503, retryAfterMs: 7_000 })
  server.faults.hang()
  await expect(nodes()).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  server.faults.slow(50)
  expect(await nodes()).toBeDefined()
  server.faults.away()
  await expect(nodes()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  server.faults.clear()
  expect(await nodes()).toBeDefined()
  expect(calls.at(-1)).toMatchObject({ method: 'GET', path: '/api/v1/nodes', username: 'admin', status: 200 })
})

test('it closes while calls hang and watches are open', async () => {
  const server = await open()
  const admin = server.client('admin')
  const watching = (async () => {
    for await (const _event of admin.watch(pods, { resourceVersion: '1', timeoutSeconds: 60 })) void _event
  })().catch((error: unknown) => error)
  server.faults.hang()
  const hanging = admin.list(pods).catch((error: unknown) => error)
  await server[Symbol.asyncDispose]()
  expect(await hanging).toMatchObject({ code: 'KUBE_UNREACHABLE' })
  expect(await watching).toMatchObject({ name: 'KubernetesError' })
})
