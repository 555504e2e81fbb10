/** Shapes of pods as a real kubelet and container runtime make them; several at a time, for each has a name of its own. */
import {
  certificateOf,
  createPod,
  createPodOf,
  credentialsOf,
  eventually,
  getPod,
  isRunning,
  launch,
  podIpOf,
  podManifest,
  request,
  serialOf,
  SERVING,
  waitForLog,
  waitForPod,
} from '@pallas/suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectl } from './kubectl.ts'
import { processesOf } from './processes.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'

let it: ClusterWorld

beforeAll(async () => {
  it = await openWorld()
})
afterAll(() => it[Symbol.asyncDispose]())

const SOMEBODY = 10_001
const IDLE = ['sleep', '3600']

describe.concurrent('a pod that is not root', () => {
  const asSomebody = { runAsUser: SOMEBODY, runAsGroup: SOMEBODY, runAsNonRoot: true }

  test('with fsGroup reads its key through that group, and serves with it (T15)', async () => {
    const securityContext = { ...asSomebody, fsGroup: it.workloads.fsGroup }
    const pod = await launch(it, request(it, 'somebody-0', { spec: { securityContext } }))
    await waitForLog(it, pod.metadata, 'main', SERVING)
    const { output } = await it.node.exec(pod.metadata, 'main', ['sh', '-c', 'id -u; head -c 27 /tls/service.key'])
    expect(output).toMatch(new RegExp(`^${SOMEBODY}\n-----BEGIN`))
  })

  test('without fsGroup reads what is public, and not the key (T15)', async () => {
    // The application alone: whoever is the user of the whole pod is the SIA's user too, and may read what it wrote.
    const pod = await created(withMain(podManifest(it, request(it, 'somebody-1', { command: IDLE })), { securityContext: asSomebody }))
    const key = await it.node.exec(pod.metadata, 'main', ['cat', '/tls/service.key'])
    expect(key.exitCode).not.toBe(0)
    expect(key.output).toContain('Permission denied')
    expect((await it.node.exec(pod.metadata, 'main', ['cat', '/tls/service.cert'])).output).toContain('BEGIN CERTIFICATE')
  })
})

test.concurrent('a read-only root file system changes nothing: the credentials are in volumes (T15)', async () => {
  const manifest = withMain(podManifest(it, request(it, 'sealed-0')), { securityContext: { readOnlyRootFilesystem: true } })
  const pod = await created(manifest)
  await waitForLog(it, pod.metadata, 'main', SERVING)
  expect((await it.node.exec(pod.metadata, 'main', ['touch', '/here'])).output).toContain('Read-only file system')
})

test.concurrent('a pod on the network of its host is refused, with the reason (T25)', async () => {
  const creating = createPod(it, request(it, 'hosted-0', { spec: { hostNetwork: true } }))
  await expect(creating).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', fields: { detail: expect.stringContaining('host') as string } })
})

test.concurrent('a pod that sees the processes of its host is the pod that it is', async () => {
  const pod = await launch(it, request(it, 'seeing-0', { spec: { hostPID: true } }))
  expect(certificateOf(it, pod).names.dns[1]).toContain(pod.metadata.uid)
  expect((await it.node.exec(pod.metadata, 'main', ['sh', '-c', 'ls -d /proc/[0-9]* | wc -l'])).output.trim()).toMatch(/^\d{2,}$/)
})

test.concurrent('kubectl debug adds a container to a running pod, and nothing of ours (T25)', async () => {
  const pod = await launch(it, request(it, 'debugged-0'))
  await kubectl(['debug', 'debugged-0', '--namespace=shop', `--image=${it.workloads.image}`, '--image-pull-policy=Never', '--container=looker', '--profile=general', '--', 'sleep', '3600'])
  await eventually('the debugger to run', async () => ((await statusOf('debugged-0', 'ephemeralContainerStatuses')).some(({ state }) => state.running !== undefined) ? true : undefined), it.deadlineMs)
  const now = await getPod(it, pod.metadata)
  expect(now.spec.initContainers).toEqual(pod.spec.initContainers)
  expect((await it.node.exec(pod.metadata, 'looker', ['ls', '/tls'])).output).toContain('No such file')
})

test.concurrent('two containers of a pod read one set of credentials', async () => {
  const other = { name: 'other', image: it.workloads.image, command: IDLE, volumeMounts: [{ name: 'tlscerts', mountPath: '/tls', readOnly: true }] }
  const pod = await created(withContainer(podManifest(it, request(it, 'pair-0')), 'containers', other))
  const seen = await Promise.all(['main', 'other'].map((container) => it.node.exec(pod.metadata, container, ['cat', '/tls/service.key'])))
  expect(seen.map(({ output }) => output)).toEqual(seen.map(() => credentialsOf(it, pod).key))
})

test.concurrent("a user's own init container runs after ours, and has the credentials already", async () => {
  const own = { name: 'prepare', image: it.workloads.image, command: ['sh', '-c', 'test -s /tls/service.key'], volumeMounts: [{ name: 'tlscerts', mountPath: '/tls', readOnly: true }] }
  const pod = await created(withContainer(podManifest(it, request(it, 'prepared-0')), 'initContainers', own))
  expect(pod.spec.initContainers?.map(({ name }) => name)).toEqual(['sia-init', 'sia-refresh', 'prepare'])
})

test.concurrent('a pod whose sandbox dies runs its init containers again, and is the same instance with a new key (T17)', async () => {
  const pod = await launch(it, request(it, 'again-0'))
  const before = credentialsOf(it, pod)
  const serial = serialOf(it, pod)
  const holder = processesOf(pod).find(({ argv }) => argv[0] === '/pause')
  if (holder === undefined) throw new Error('the pod has no sandbox')
  process.kill(holder.pid, 'SIGKILL')
  await eventually('another certificate', () => (serialOf(it, pod) === serial ? undefined : true), it.deadlineMs)
  const again = await waitForPod(it, pod.metadata, isRunning)
  expect(credentialsOf(it, again).key).not.toBe(before.key)
  expect(certificateOf(it, again).names.dns[1]).toContain(pod.metadata.uid)
  // The address is another, and so is the name for it.
  await eventually('a certificate for the address', async () => (certificateOf(it, again).names.ip[0] === podIpOf(await getPod(it, pod.metadata)) ? true : undefined), it.deadlineMs)
})

test.concurrent('two pods made by generateName at the same time are served both', async () => {
  const { metadata, ...rest } = podManifest(it, request(it, 'made-')) as { metadata: { annotations: object } }
  const made = await Promise.all([1, 2].map(() => createPodOf(it, 'shop', { ...rest, metadata: { annotations: metadata.annotations, generateName: 'made-' } })))
  const pods = await Promise.all(made.map((pod) => waitForPod(it, pod.metadata, isRunning)))
  expect(new Set(pods.map((pod) => certificateOf(it, pod).names.dns[1])).size).toBe(2)
})

interface Report {
  readonly state: { readonly running?: object }
}

const statusOf = async (name: string, of: string): Promise<readonly Report[]> =>
  ((await getPod(it, { namespace: 'shop', name })).status?.[of] ?? []) as readonly Report[]

async function created(manifest: object) {
  const { metadata } = await createPodOf(it, 'shop', manifest)
  return waitForPod(it, metadata, isRunning)
}

interface Manifest {
  readonly spec: { readonly containers: readonly object[]; readonly initContainers?: readonly object[] }
}

function withMain(manifest: object, fields: object): object {
  const { spec, ...rest } = manifest as Manifest
  return { ...rest, spec: { ...spec, containers: spec.containers.map((it) => ({ ...it, ...fields })) } }
}

function withContainer(manifest: object, list: 'containers' | 'initContainers', container: object): object {
  const { spec, ...rest } = manifest as Manifest
  return { ...rest, spec: { ...spec, [list]: [...(spec[list] ?? []), container] } }
}
