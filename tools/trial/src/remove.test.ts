import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { remove, uninstaller } from './remove.ts'
import { show } from './show.ts'
import { fakeKubectl } from './testing/fake-kubectl.ts'

const READY = { kind: 'DaemonSet', metadata: { name: 'athenz-uninstall', generation: 1 }, spec: {}, status: { observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1 } }

const clusterOf = (kubectl: ReturnType<typeof fakeKubectl>) => ({ kubectl, typed: 'kubectl', pluginDir: undefined, version: 'v1', server: '' })
const deps = () => ({ clock: new FakeClock(), signal: new AbortController().signal, say: () => undefined })
const list = (...items: readonly object[]) => JSON.stringify({ items })

const CLUSTER_WIDE = 'namespaces,clusterroles,clusterrolebindings,priorityclasses,validatingadmissionpolicybindings,validatingadmissionpolicies'
const OURS = JSON.stringify({ metadata: { labels: { 'athenz.io/trial': 'true' } } })

test('the driver leaves from where the agents had put it', () => {
  expect(uninstaller('/home/kubernetes/flexvolume')).toMatchObject({
    kind: 'DaemonSet',
    metadata: { labels: { 'athenz.io/trial': 'true' } },
    spec: { template: { spec: { volumes: [{ name: 'host' }, { name: 'plugin-dir', hostPath: { path: '/home/kubernetes/flexvolume' } }] } } },
  })
})

test('pods go first, then webhook and agents, then the driver, and last what is of the whole cluster', async () => {
  const applied: string[] = []
  const kubectl = fakeKubectl([
    ['get daemonset', JSON.stringify({ metadata: { labels: { 'athenz.io/trial': 'true' } }, spec: { template: { spec: { volumes: [{ name: 'driver-dir', hostPath: { path: '/mine' } }] } } } })],
    ['delete', ''],
    ['apply', (input) => (applied.push(input ?? ''), '')],
    ['namespace --output=json', OURS],
    ['get namespace', 'namespace/k8s-admin'],
    ['get --ignore-not-found', ''],
    ['deployments,daemonsets', list(READY)],
    ['pods', list()],
  ])
  await remove({ cluster: clusterOf(kubectl), deps: deps(), timeoutMs: 1_000 })
  expect(applied).toEqual([expect.stringContaining('path: /mine')])
  const done = kubectl.calls.filter(([verb]) => verb === 'delete' || verb === 'apply').map(([verb, what]) => (verb === 'apply' ? 'apply' : what))
  expect(done).toEqual(['namespaces', 'mutatingwebhookconfigurations', 'daemonsets,deployments', 'apply', CLUSTER_WIDE])
})

test('a node that still has volumes keeps its driver, and is named; nobody goes on trying to take it', async () => {
  const refusing = {
    metadata: { name: 'athenz-uninstall-x', namespace: 'k8s-admin' },
    spec: { nodeName: 'node-7' },
    status: { phase: 'Pending', initContainerStatuses: [{ name: 'remove', ready: false, restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
  }
  const kubectl = fakeKubectl([
    ['get daemonset', ''],
    ['delete', ''],
    ['apply', ''],
    ['namespace --output=json', OURS],
    ['get namespace', 'namespace/k8s-admin'],
    ['get --ignore-not-found', ''],
    ['deployments,daemonsets', list({ ...READY, status: { ...READY.status, numberReady: 0 } })],
    ['pods', list(refusing)],
    ['logs', '2 volumes of pods are still there'],
  ])
  const removing = remove({ cluster: clusterOf(kubectl), deps: deps(), timeoutMs: 1_000 })
  await expect(removing).rejects.toMatchObject({ code: 'TRIAL_VOLUMES_LEFT', message: expect.stringMatching(/^node-7 .*2 volumes of pods/) })
  expect(kubectl.calls.at(-1)?.slice(0, 3)).toEqual(['delete', 'daemonset', 'athenz-uninstall'])
})

test.each([
  ['namespace', 'k8s-admin'],
  ['namespace', 'athenz-leases'],
  ['namespace', 'athenz-trial'],
  ['mutatingwebhookconfiguration', 'athenz-initializer'],
  ['daemonset', 'athenz-identity-agent'],
  ['secret', 'athenz-callback-identity'],
  ['configmap', 'athenz-config'],
])('a suite that no trial has made is left alone, known by its %s %s', async (kind, name) => {
  const kubectl = fakeKubectl([
    [`${kind} ${name} --output=json`, JSON.stringify({ metadata: { labels: { 'athenz.io/trial': 'mine' } } })],
    ['get --output=json', ''],
  ])
  const work = { cluster: clusterOf(kubectl), deps: deps(), timeoutMs: 1_000 }
  const refused = { code: 'TRIAL_OCCUPIED', message: expect.stringContaining(`${kind} ${name}`) }
  await expect(remove(work)).rejects.toMatchObject(refused)
  await expect(show(work)).rejects.toMatchObject(refused)
  expect(kubectl.calls.every(([verb]) => verb === 'get')).toBe(true)
})

test('the suite that our own tests have left takes no trial, and goes as one', async () => {
  const kubectl = fakeKubectl([
    ['get endpointslice athenz-trial-zts', JSON.stringify({ metadata: {} })],
    ['get', ''],
    ['delete', ''],
  ])
  const work = { cluster: clusterOf(kubectl), deps: deps(), timeoutMs: 1_000 }
  const refused = { code: 'TRIAL_OCCUPIED', message: expect.stringContaining('npm run trial -- --delete') }
  await expect(show(work)).rejects.toMatchObject(refused)
  expect(kubectl.calls.every(([verb]) => verb === 'get')).toBe(true)
  await remove(work)
  expect(kubectl.calls.flatMap(([verb, what]) => (verb === 'delete' ? [what] : []))).toEqual(['namespaces', 'mutatingwebhookconfigurations', 'daemonsets,deployments', CLUSTER_WIDE])
})

test('namespaces of others go with no trial, whatever they are called', async () => {
  const kubectl = fakeKubectl([['get', ''], ['delete', '']])
  await remove({ cluster: clusterOf(kubectl), deps: deps(), timeoutMs: 1_000 })
  const deleted = kubectl.calls.filter(([verb]) => verb === 'delete')
  expect(deleted.length).toBeGreaterThan(0)
  expect(deleted.filter((args) => !args.some((arg) => arg.startsWith('--selector=athenz.io/trial=true')))).toEqual([])
})
