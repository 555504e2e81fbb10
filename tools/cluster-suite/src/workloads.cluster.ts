/** Kinds of workload that only a real control plane makes, each with its identity; all at a time, for each has a name of its own. */
import { certificateOf, handleOf, hasEnded, isRunning, type PodObject, waitForPod } from '@pallas/suite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyController, podsOfApp, templateOf } from './controllers.ts'
import { apply, kubectl } from './kubectl.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'

let it: ClusterWorld

beforeAll(async () => {
  it = await openWorld()
})
afterAll(async () => {
  await kubectl(['delete', 'deployments,statefulsets,jobs', '--all', '--namespace=shop', '--timeout=120s'], { deadlineMs: 130_000 })
  await it[Symbol.asyncDispose]()
})

const instanceOf = (pod: PodObject) => certificateOf(it, pod).names.dns[1]

test.concurrent('the pods of a Deployment, whose names are generated, are one service and instances of their own (T25)', async () => {
  await applyController('Deployment', 'front', templateOf(it, 'front'), { replicas: 3 })
  const pods = await podsOfApp(it, 'front', 3, isRunning)
  expect(pods.map((pod) => certificateOf(it, pod).commonName)).toEqual(['shop.web', 'shop.web', 'shop.web'])
  expect(pods.map(instanceOf)).toEqual(pods.map(({ metadata }) => `${metadata.uid}.instanceid.athenz.${it.athenz.dnsSuffix}`))
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(pods.map(() => expect.stringMatching(/^front-[a-z0-9]+-[a-z0-9]{5}$/) as string))
})

test.concurrent('a pod of a StatefulSet that is made again under its name is another instance, and its handle is another (T07)', async () => {
  await applyController('StatefulSet', 'store', templateOf(it, 'store'), { serviceName: 'store', replicas: 1 })
  const [first] = await podsOfApp(it, 'store', 1, isRunning)
  if (first === undefined) throw new Error('there is no pod')
  const handle = handleOf(it, first)
  await kubectl(['delete', 'pod', 'store-0', '--namespace=shop', '--timeout=60s'], { deadlineMs: 70_000 })
  const isOther = (pod: PodObject) => pod.metadata.uid !== first.metadata.uid && isRunning(pod)
  const [second] = await podsOfApp(it, 'store', 1, isOther)
  if (second === undefined) throw new Error('there is no pod')
  expect(second.metadata.name).toBe('store-0')
  expect(instanceOf(second)).toBe(`${second.metadata.uid}.instanceid.athenz.${it.athenz.dnsSuffix}`)
  expect(handleOf(it, second)).not.toBe(handle)
  const answer = await it.node.ask(second, { method: 'POST', path: `/v1/init/${handle}` })
  expect(answer).toMatchObject({ status: 403, body: { code: 'HANDLE_UNKNOWN' } })
})

test.concurrent('a Job with the refresher as native sidecar completes: the sidecar is ended after the application, with 0 (T41)', async () => {
  const command = ['sh', '-c', 'test -s /tls/service.key && echo has it']
  const template = templateOf(it, 'once', { command, restartPolicy: 'Never' })
  await apply([{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once', namespace: 'shop' }, spec: { template, backoffLimit: 0 } }])
  await kubectl(['wait', 'job/once', '--namespace=shop', '--for=condition=Complete', '--timeout=90s'], { deadlineMs: 100_000 })
  const [pod] = await podsOfApp(it, 'once', 1, hasEnded)
  if (pod === undefined) throw new Error('there is no pod')
  expect(await it.node.logOf(pod.metadata, 'main')).toBe('has it\n')
  const [main, refresher] = endsOf(pod)
  expect([main?.exitCode, refresher?.exitCode]).toEqual([0, 0])
  expect(Date.parse(refresher?.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(main?.finishedAt ?? ''))
})

interface End {
  readonly exitCode: number
  readonly finishedAt: string
}

interface Report {
  readonly name: string
  readonly state: { readonly terminated?: End }
}

/** Of the application and of its refresher. */
function endsOf({ status }: PodObject): (End | undefined)[] {
  const reports = [...((status?.['initContainerStatuses'] ?? []) as readonly Report[]), ...((status?.['containerStatuses'] ?? []) as readonly Report[])]
  return ['main', 'sia-refresh'].map((name) => reports.find((report) => report.name === name)?.state.terminated)
}

test.concurrent('a Job whose pods may not have an identity fails, and says so in its pod', async () => {
  const template = templateOf(it, 'never', { serviceAccount: 'stranger', restartPolicy: 'Never' })
  await apply([{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'never', namespace: 'shop' }, spec: { template, backoffLimit: 0 } }])
  await kubectl(['wait', 'job/never', '--namespace=shop', '--for=condition=Failed', '--timeout=90s'], { deadlineMs: 100_000 })
  const [pod] = await podsOfApp(it, 'never', 1, hasEnded)
  if (pod === undefined) throw new Error('there is no pod')
  expect(await it.node.logOf(pod.metadata, 'sia-init')).toContain('ISSUER_DENIED')
  await waitForPod(it, pod.metadata, ({ status }) => status?.['phase'] === 'Failed')
})
