/** Ways in which a launch must fail at the agent and at the door of the cluster, each with its reason, and without a trace. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf, PODS } from '@pallas/kubernetes'
import type { CsrNames } from '@pallas/x509'
import { addService } from '@pallas/zts/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workload } from '../demo.ts'
import type { PodObject } from '../kubelet/objects.ts'
import { createPod, deletePod, handleOf, hasEnded, isRunning, logOf, volumePath, waitForPod } from '../pod-control.ts'
import { podManifest } from '../pods.ts'
import { cgroupOf, overSocket, placeHere, socketOf } from './callers.ts'
import { csrFor, csrWithBrokenSignature } from './csr.ts'
import { type ClusterUnderTest, eventually, launch, openCluster, request, serialOf } from './open-cluster.ts'

let it: ClusterUnderTest
let web: PodObject
let orders: PodObject
let handle: string
let socket: string
let names: CsrNames
let serials: readonly string[]

beforeAll(async () => {
  it = await openCluster()
  web = await launch(it.cluster, request('web-0'))
  orders = await launch(it.cluster, request('orders-0', { serviceAccount: 'orders' }))
  handle = await handleOf(it.cluster, web)
  socket = socketOf(it.cluster, handle)
  serials = [web, orders].map((pod) => serialOf(it.cluster, pod))
  using _here = placeHere(it.cluster, cgroupOf(web))
  names = (await overSocket(socket, 'GET', `/v1/names/${handle}`)).body as unknown as CsrNames
})
afterAll(() => it[Symbol.asyncDispose]())

/** What a refused caller must not have moved: no call of ZTS, no document, nothing in any volume or on record. */
const traces = () => {
  const { volumes } = it.cluster.state
  return {
    zts: it.cluster.zts.calls().length,
    documents: it.logs.filter(({ record }) => record['msg'] === 'document signed').length,
    volumes: new Set(readdirSync(volumes, { recursive: true, encoding: 'utf8' })),
    records: readdirSync(volumes).map((name) => readFileSync(join(volumes, name, 'context.json'), 'utf8')),
    serial: serialOf(it.cluster, web),
  }
}

const logged = (program: string, reason: string) =>
  eventually(`${reason} in the log of ${program}`, () =>
    it.logs.find(({ program: by, record }) => by === program && record['reason'] === reason),
  )

describe('on the socket of a volume', () => {
  test('a pod that presents the handle of another on its own socket is refused (T01, W4)', async () => {
    const before = traces()
    const foreign = await handleOf(it.cluster, orders)
    const argv = ['node', workload('intrude'), '/identity/connect/agent.sock', foreign]
    const { output } = await it.cluster.node.kubelet.exec(request('web-0'), 'sia-refresh', argv)
    expect(JSON.parse(output)).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
    const { record } = await logged('identity-agent', 'HANDLE_PEER_MISMATCH')
    expect(record).toMatchObject({ pod: 'shop/orders-0' })
    expect(traces()).toEqual(before)
  })

  test('a process of another pod cannot reach it, or is refused where it can', async () => {
    const before = traces()
    const argv = ['node', workload('intrude'), socket, handle]
    const { output } = await it.cluster.node.kubelet.exec(request('orders-0'), 'main', argv)
    const refused = { status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } }
    const unreachable = { error: expect.stringContaining('ENOENT') as string }
    expect(JSON.parse(output)).toMatchObject(it.cluster.isolation === 'none' ? refused : unreachable)
    expect(traces()).toEqual(before)
  })

  test.each([
    ['of another pod', () => cgroupOf(orders), 'HANDLE_PEER_MISMATCH'],
    ['of the host', () => '/system.slice/ssh.service', 'NOT_A_POD'],
    ['of a pod nested in another', () => `${cgroupOf(orders)}${cgroupOf(web)}`, 'NOT_A_POD'],
    ['of a cgroup that only looks like the pod', () => `/user.slice/${cgroupOf(web)}`.replace('kubepods', 'pods'), 'NOT_A_POD'],
  ])('a process %s is refused, with the right handle', async (_who, cgroup, code) => {
    const before = traces()
    using _here = placeHere(it.cluster, cgroup())
    expect(await overSocket(socket, 'POST', `/v1/init/${handle}`)).toMatchObject({ status: 403, body: { code } })
    expect(await overSocket(socket, 'GET', `/v1/names/${handle}`)).toMatchObject({ status: 403, body: { code } })
    await logged('identity-agent', code)
    expect(traces()).toEqual(before)
  })

  test('a process that the kernel says nothing of is refused', async () => {
    const before = traces()
    expect(await overSocket(socket, 'POST', `/v1/init/${handle}`)).toMatchObject({ status: 403, body: { code: 'PEER_EXITED' } })
    expect(traces()).toEqual(before)
  })

  test.each([
    ['with an encoded way up', 'POST', (it: string) => `/v1/init/${it}%2F..`, 400, 'HANDLE_INVALID'],
    ['that is encoded', 'POST', (it: string) => `/v1/init/%${it.charCodeAt(0).toString(16)}${it.slice(1)}`, 400, 'HANDLE_INVALID'],
    ['one too short', 'POST', (it: string) => `/v1/init/${it.slice(1)}`, 400, 'HANDLE_INVALID'],
    ['one too long', 'POST', (it: string) => `/v1/init/${it}A`, 400, 'HANDLE_INVALID'],
    ['that leads elsewhere', 'POST', () => '/v1/init/../../../etc/passwd', 400, 'HANDLE_INVALID'],
    ['with a question', 'POST', (it: string) => `/v1/init/${it}?x=1`, 400, 'HANDLE_INVALID'],
    ['of nobody', 'POST', () => `/v1/init/${'A'.repeat(43)}`, 403, 'HANDLE_UNKNOWN'],
    ['asked for with another verb', 'GET', (it: string) => `/v1/init/${it}`, 404, 'ROUTE_UNKNOWN'],
    ['on an unknown path', 'POST', (it: string) => `/v1/keys/${it}`, 404, 'ROUTE_UNKNOWN'],
  ])('a handle %s is refused before anything is touched', async (_form, method, path, status, code) => {
    const before = traces()
    using _here = placeHere(it.cluster, cgroupOf(web))
    expect(await overSocket(socket, method, path(handle))).toMatchObject({ status, body: { code } })
    expect(traces()).toEqual(before)
  })
})

describe('a CSR', () => {
  test.each([
    ['one more DNS name', (it: CsrNames) => ({ ...it, dns: [...it.dns, 'orders.shop.svc.cluster.local'] })],
    ['a wildcard', (it: CsrNames) => ({ ...it, dns: [...it.dns, '*.web.shop.svc.cluster.local'] })],
    ['a DNS name missing', (it: CsrNames) => ({ ...it, dns: it.dns.slice(1) })],
    ['another address', (it: CsrNames) => ({ ...it, ip: ['127.88.0.250'] })],
    ['another URI', (it: CsrNames) => ({ ...it, uri: ['spiffe://shop/sa/orders'] })],
    ['another subject', (it: CsrNames) => ({ ...it, commonName: 'shop.orders' })],
  ])('with %s is a conflict, and is shown to nobody', async (_what, change) => {
    const before = traces()
    using _here = placeHere(it.cluster, cgroupOf(web))
    const csr = await csrFor(change(names))
    for (const action of ['init', 'refresh']) {
      const answer = await overSocket(socket, 'POST', `/v1/${action}/${handle}`, { csr })
      expect(answer).toMatchObject({ status: 409, body: { code: 'CSR_NAMES_CHANGED' } })
    }
    expect(traces()).toEqual(before)
  })

  test('that its key did not sign is no CSR', async () => {
    const before = traces()
    using _here = placeHere(it.cluster, cgroupOf(web))
    const csr = await csrWithBrokenSignature(names)
    const answer = await overSocket(socket, 'POST', `/v1/init/${handle}`, { csr })
    expect(answer).toMatchObject({ status: 400, body: { code: 'CSR_INVALID' } })
    expect(traces()).toEqual(before)
  })

  test('with the right names, by hand, is served: the refusals above are not for want of a way', async () => {
    using _here = placeHere(it.cluster, cgroupOf(web))
    const answer = await overSocket(socket, 'POST', `/v1/init/${handle}`, { csr: await csrFor(names) })
    expect(answer).toMatchObject({ status: 200, body: { certPEM: expect.any(String) as string } })
    expect(answer.body['keyPEM']).toBeUndefined()
  })
})

describe('a pod', () => {
  test.each([
    ['whose service Athenz does not know', { serviceAccount: 'stranger' }, 'ISSUER_DENIED', [400]],
    ['that Athenz does not let us launch', { serviceAccount: 'player' }, 'ISSUER_DENIED', [403]],
    ['of a namespace below the domain of the administrators', { namespace: 'k8s-admin-kube--system' }, 'NAMESPACE_REFUSED', []],
  ])('%s ends before its application, denied', async (_who, other, reason, statuses) => {
    addService(it.cluster.world, 'shop.player')
    const before = it.cluster.zts.calls().length
    const pod = request('refused-0', { ...other, restartPolicy: 'Never' })
    await createPod(it.cluster, pod)
    const ended = await waitForPod(it.cluster, pod, hasEnded)
    expect(ended.status).toMatchObject({
      phase: 'Failed',
      initContainerStatuses: [{ name: 'sia-init', state: { terminated: { exitCode: 77 } } }, { name: 'sia-refresh', state: { waiting: {} } }],
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    })
    expect(await logOf(it.cluster, pod, 'sia-init')).toContain(`denied: ${reason}`)
    expect(filesIn(volumePath(it.cluster, ended, 'tlscerts'))).toEqual([])
    const calls = it.cluster.zts.calls().slice(before)
    expect(calls.map(({ operation, status, serial }) => ({ operation, status, serial }))).toEqual(
      statuses.map((status) => ({ operation: 'register', status, serial: undefined })),
    )
    await deletePod(it.cluster, pod)
  })

  test('that brings its own sia-init is not created, and its user is told why', async () => {
    const manifest = podManifest(request('collision-0')) as { spec: object }
    const initContainers = [{ name: 'sia-init', image: 'mine:latest', command: ['true'] }]
    const mine = { ...manifest, spec: { ...manifest.spec, initContainers } }
    await expect(createPod(it.cluster, { namespace: 'shop', manifest: mine })).rejects.toMatchObject({
      code: 'KUBE_FORBIDDEN',
      fields: { detail: expect.stringMatching(/sia-init.* differs from the one that is injected.*INJECTION_COLLISION/) as string },
    })
    await expect(it.cluster.admin.get(pathOf(PODS, { namespace: 'shop', name: 'collision-0' }))).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
  })

  test('that is terminating may renew, not start (T07)', async () => {
    const stubborn = ['sh', '-c', 'trap "" TERM; echo stays; until [ -e "$0" ]; do sleep 0.05; done', '/tokens/leave']
    const name = request('leaving-0', { command: stubborn })
    const manifest = writableTokens(podManifest(name))
    await createPod(it.cluster, { namespace: 'shop', manifest })
    const pod = await waitForPod(it.cluster, name, isRunning)
    await eventually('it to be deaf', async () => ((await logOf(it.cluster, name, 'main')).includes('stays') ? true : undefined))
    const own = await handleOf(it.cluster, pod)
    const path = socketOf(it.cluster, own)
    await it.cluster.admin.delete(pathOf(PODS, name), { gracePeriodSeconds: 60 })
    using _here = placeHere(it.cluster, cgroupOf(pod))
    await eventually('init to be refused', async () => {
      const answer = await overSocket(path, 'POST', `/v1/init/${own}`)
      return answer.status === 403 && answer.body['code'] === 'POD_TERMINATING' ? true : undefined
    })
    const now = (await overSocket(path, 'GET', `/v1/names/${own}`)).body as unknown as CsrNames
    const renewal = await overSocket(path, 'POST', `/v1/refresh/${own}`, { csr: await csrFor(now) })
    expect(renewal.status).toBe(200)
    await it.cluster.node.kubelet.exec(name, 'main', ['touch', '/tokens/leave'])
    await eventually('the pod to be gone', () =>
      it.cluster.node.kubelet.pods().some(({ metadata }) => metadata.uid === pod.metadata.uid) ? undefined : true,
    )
  })
})

/** The volumes of a pod that ended by itself go at once, so it may be gone. */
const filesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : [])

/** The same pod, whose application may write beside its tokens. */
function writableTokens(manifest: object): object {
  const { spec, ...rest } = manifest as { spec: { containers: { volumeMounts: { readOnly: boolean }[] }[] } }
  const writable = spec.containers.map((it) => ({ ...it, volumeMounts: it.volumeMounts.map((mount) => ({ ...mount, readOnly: false })) }))
  return { ...rest, spec: { ...spec, containers: writable } }
}

test('after all of this the pods hold the credentials that they had', () => {
  expect([web, orders].map((pod) => serialOf(it.cluster, pod))).toEqual(serials)
})
