/** What the commands promise on a cluster that is up. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginJournal } from '../journal.ts'
import { down } from '../down.ts'
import { BUSYBOX_IMAGE } from '../images.ts'
import { kubectlOutput } from '../kubectl.ts'
import { load } from '../load.ts'
import { kill } from '../proc.ts'
import { reboot } from '../reboot.ts'
import { restart } from '../restart.ts'
import { run } from '../run.ts'
import { describeCluster } from '../status.ts'
import { commandLine } from '../testing/command-line.ts'
import { machineBefore } from '../testing/machine-before.ts'
import { up } from '../up.ts'

const silent = { say: () => undefined }

beforeAll(async () => {
  await machineBefore()
  await using killed = commandLine('up')
  await killed.said('containerd answers')
  killed.process.kill('SIGKILL')
  await killed.exited
  expect((await describeCluster()).state).toBe('starting')
})
afterAll(async () => void (await down(silent)))

test('two at once, after one that was killed: one clears away and brings up, the other finds it up', async () => {
  const both = [commandLine('up'), commandLine('up')] as const
  expect(await Promise.all(both.map((it) => it.exited))).toEqual([0, 0])
  const words = both.flatMap((it) => it.lines)
  expect(words.filter((line) => line.includes('is cleared away'))).toHaveLength(1)
  expect(words).toContain('the cluster is up already')
  expect((await describeCluster()).state).toBe('up')
})

test('a state directory with files of somebody else is refused, and left alone', async () => {
  const state = await mkdtemp(`${tmpdir()}/state-`)
  await writeFile(join(state, 'theirs'), '')
  expect(() => beginJournal(state, [])).toThrow(expect.objectContaining({ code: 'CLUSTER_STATE' }))
  await rm(state, { recursive: true })
})

const defaultNamespace = () => kubectlOutput(['get', 'namespace', 'default', '--output', 'jsonpath={.metadata.uid}'])

test('what has died is started again by `up`, and nothing is lost', async () => {
  const before = await defaultNamespace()
  const killed = (await describeCluster()).processes.filter(({ name }) => ['etcd', 'kube-scheduler'].includes(name))
  for (const { pid } of killed) kill(pid)
  expect((await describeCluster()).state).toBe('broken')
  await up(silent)
  expect((await describeCluster()).state).toBe('up')
  expect(await defaultNamespace()).toBe(before)
})

test.each(['kubelet', 'containerd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd', 'dns'])('%s is another process after a restart, and works', async (name) => {
  const pidOf = async () => (await describeCluster()).processes.find((it) => it.name === name)?.pid
  const before = await pidOf()
  await restart(name, silent)
  expect(await pidOf()).not.toBe(before)
  await expect.poll(async () => (await describeCluster()).state, { timeout: 20_000 }).toBe('up')
})

test('an unknown program is named, with those there are', async () => {
  await expect(restart('kube-proxy', silent)).rejects.toMatchObject({ code: 'CLUSTER_NO_PROCESS', detail: expect.stringContaining('kubelet') })
})

test('an archive that is not there is not loaded', async () => {
  await expect(load(['nobody-made-this'])).rejects.toMatchObject({ code: 'CLUSTER_NO_IMAGE' })
})

test.each([
  ['0 for what there is', ['get', 'nodes'], 0],
  ['1 for what there is not', ['get', 'pod', 'nobody'], 1],
])('kubectl passes its exit code on: %s', async (_name, args, code) => {
  await using kubectl = commandLine('kubectl', ...args)
  expect(await kubectl.exited).toBe(code)
})

test('status is for programs, too', async () => {
  await using status = commandLine('status', '--json')
  expect(await status.exited).toBe(0)
  expect(JSON.parse(status.lines.join(''))).toMatchObject({ state: 'up', nodeName: 'pallas-node', flexVolumeDirectory: expect.any(String) })
})

test('the kubelet serves with a certificate of the authority that pods are given', async () => {
  const { caFile } = await describeCluster()
  const said = await run(['openssl', 's_client', '-connect', '10.77.0.1:10250', '-CAfile', caFile, '-verify_return_error'])
  expect(said).toContain('Verify return code: 0 (ok)')
})

test('after a loss of power the same pod comes up again on what was on disk', async () => {
  await kubectlOutput(['create', '--filename', '-'], { input: JSON.stringify(SURVIVOR) })
  await kubectlOutput(['wait', '--for=condition=Ready', 'pod/survivor', '--timeout=60s'])
  const before = await survivor()
  const daemons = (await describeCluster()).processes
  await reboot(silent)
  const { state, processes } = await describeCluster()
  expect(state).toBe('up')
  expect(processes.map(({ name }) => name)).toEqual(daemons.map(({ name }) => name))
  for (const { pid } of daemons) expect(processes.map((it) => it.pid)).not.toContain(pid)
  await expect.poll(async () => (await survivor()).restarts, { timeout: 60_000 }).toBe(1)
  await kubectlOutput(['wait', '--for=condition=Ready', 'pod/survivor', '--timeout=60s'])
  expect((await survivor()).uid).toBe(before.uid)
  expect(await kubectlOutput(['exec', 'survivor', '--', 'cat', '/athenz/lives'])).toBe('x\nx\n')
})

const SURVIVOR = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'survivor' },
  spec: {
    containers: [
      {
        name: 'main',
        image: BUSYBOX_IMAGE,
        imagePullPolicy: 'Never',
        command: ['sh', '-c', 'echo x >> /athenz/lives; exec sleep 3600'],
        volumeMounts: [{ name: 'athenz', mountPath: '/athenz' }],
      },
    ],
    volumes: [{ name: 'athenz', hostPath: { path: '/var/athenz' } }],
  },
}

async function survivor(): Promise<{ uid: string; restarts: number }> {
  const { metadata, status } = JSON.parse(await kubectlOutput(['get', 'pod', 'survivor', '--output', 'json'])) as SurvivorObject
  return { uid: metadata.uid, restarts: status.containerStatuses[0]?.restartCount ?? 0 }
}

interface SurvivorObject {
  readonly metadata: { readonly uid: string }
  readonly status: { readonly containerStatuses: readonly { readonly restartCount: number }[] }
}
