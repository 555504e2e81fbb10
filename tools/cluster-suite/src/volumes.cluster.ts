/** Volumes of the driver that a pod's author declares by hand, as root, and by `subPath`: what containers can do to the agent's socket. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createPodOf, deletePod, eventually, handleOf, IDENTITY_VOLUME, isRunning, launch, podManifest, type PodObject, renewed, request, serialOf, waitForPod } from '@pallas/suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectl } from './kubectl.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'
import { podsOf } from './world/replicas.ts'

const DRIVER = 'athenz.kubernetes.io/athenz-volume-driver'
const ADMIN_PORT = 9090

let it: ClusterWorld
let web: PodObject

beforeAll(async () => {
  it = await openWorld({ refreshInterval: '5s' })
  web = await launch(it, request(it, 'web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

/** Root with no capability, in a container that mounts the directory of the socket, and all there is, by ways of its own. */
function byHand(name: string, flexVolume: object): object {
  const volumeMounts = [
    { name: IDENTITY_VOLUME, mountPath: '/identity' },
    { name: IDENTITY_VOLUME, mountPath: '/connect', subPath: 'connect' },
    { name: IDENTITY_VOLUME, mountPath: '/all', subPath: '.' },
  ]
  const securityContext = { runAsUser: 0, runAsNonRoot: false, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const main = { name: 'main', image: it.workloads.image, imagePullPolicy: 'Never', command: ['sleep', '3600'], securityContext, volumeMounts }
  const spec = { volumes: [{ name: IDENTITY_VOLUME, flexVolume: { driver: DRIVER, ...flexVolume } }], containers: [main] }
  return podManifest(it, request(it, name, { identity: false, command: ['sleep', '3600'], spec }))
}

const create = (name: string, flexVolume: object): Promise<PodObject> => createPodOf(it, 'shop', byHand(name, flexVolume))
const socketOf = (pod: PodObject): string => join(it.node.volumesDir, handleOf(it, pod), 'mount/connect/agent.sock')

describe('a volume that is not read-only', () => {
  test('is not mounted: the pod waits, and its events say what to write (W2)', async () => {
    const { metadata } = await create('writable-0', {})
    const message = await eventually('an event', async () => (await messagesOf(metadata.name)).find((text) => text.includes('VOLUME_WRITABLE')), it.deadlineMs)
    expect(message).toContain('write `readOnly: true` beside `driver` in its flexVolume')
    const waiting = await kubectl(['get', 'pod', metadata.name, '--namespace=shop', '--output=jsonpath={.status.containerStatuses[0].state.waiting.reason}'])
    expect(waiting).toBe('ContainerCreating')
    await deletePod(it, metadata)
  })

  test('cannot say otherwise in its options: the api server takes none of the names that the kubelet uses (W14)', async () => {
    const creating = create('writable-1', { options: { 'kubernetes.io/readwrite': 'ro' } })
    await expect(creating).rejects.toMatchObject({ fields: { detail: expect.stringContaining('kubernetes.io') as string } })
  })
})

test('of a read-only volume root takes the socket away by no mount, and puts nothing in its place (W2, W3)', async () => {
  const pod = await waitForPod(it, (await create('readonly-0', { readOnly: true })).metadata, isRunning)
  await eventually('a socket', () => existsSync(socketOf(pod)) || undefined, it.deadlineMs)
  const attempts = [
    'rm /connect/agent.sock',
    'rm /all/connect/agent.sock',
    'rm /identity/connect/agent.sock',
    'touch /connect/mine',
    'chmod 600 /connect/agent.sock',
    'mv /all/connect /all/gone',
    'mv /identity/connect /identity/gone',
    'touch /all/mine',
  ]
  for (const attempt of attempts) {
    const { exitCode, output } = await it.node.exec(pod.metadata, 'main', ['sh', '-c', attempt])
    expect({ attempt, failed: exitCode !== 0, output }).toEqual({ attempt, failed: true, output: expect.stringContaining('Read-only file system') as string })
  }
  expect(existsSync(socketOf(pod))).toBe(true)
  await deletePod(it, pod.metadata)
})

const settings = (): string => join(dirname(it.node.volumesDir), 'volume-driver.json')

describe('a driver that is told to allow what is not read-only', () => {
  beforeAll(() => {
    expect(existsSync(settings())).toBe(false)
    writeFileSync(settings(), JSON.stringify({ writableVolumes: 'allow' }), { mode: 0o600 })
  })
  afterAll(() => rmSync(settings()))

  test('mounts it, and the agent says so: root in the pod takes away its own socket by subPath, and no other (W2)', async () => {
    const pod = await waitForPod(it, (await create('allowed-0', {})).metadata, isRunning)
    await eventually('a socket', () => existsSync(socketOf(pod)) || undefined, it.deadlineMs)
    await eventually('the weakening', async () => ((await isWeakened()) === '1' ? true : undefined), it.deadlineMs)
    const plain = await it.node.exec(pod.metadata, 'main', ['rm', '/identity/connect/agent.sock'])
    expect(plain.output).toContain('Read-only file system')
    expect(await it.node.exec(pod.metadata, 'main', ['rm', '/connect/agent.sock'])).toMatchObject({ exitCode: 0 })
    expect(existsSync(socketOf(pod))).toBe(false)
    await renewed(it, web, serialOf(it, web))
    await deletePod(it, pod.metadata)
    await eventually('its end', async () => ((await isWeakened()) === '0' ? true : undefined), it.deadlineMs)
  })
})

async function messagesOf(name: string): Promise<string[]> {
  const text = await kubectl(['get', 'events', '--namespace=shop', `--field-selector=involvedObject.name=${name}`, '--output=json'])
  return (JSON.parse(text) as { items: { message: string }[] }).items.map(({ message }) => message)
}

async function isWeakened(): Promise<string | undefined> {
  const [agent] = await podsOf('identity-agent')
  const text = await (await fetch(`http://${agent?.ip}:${ADMIN_PORT}/metrics`)).text()
  return /athenz_identity_agent_weakened\{mode="writable-volumes"\} (\d)/.exec(text)?.[1]
}
