/** The story that `npm start` tells: two pods get identities, one calls the other, an intruder is refused, a role is used. */
import { REPOSITORY } from '@pallas/build'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import type { PodObject } from './kubelet/objects.ts'
import { FLEX_DRIVER } from './names.ts'
import { createPod, handleOf, hasEnded, isRunning, logOf, podIp, volumePath, waitForLog, waitForPod } from './pod-control.ts'
import { podManifest } from './pods.ts'
import { tellRoles } from './role-story.ts'
import type { Timeline } from './timeline.ts'

export interface Demo {
  readonly pods: readonly PodObject[]
  /** The pod that holds a role. */
  readonly reader: PodObject
  /** Milliseconds from the first pod's creation to the first identity. */
  readonly firstIdentityMs: number
}

export const workload = (name: string): string => join(REPOSITORY, 'tools/suite/src/workload', `${name}.ts`)
export const serveCommand: readonly string[] = ['node', workload('serve'), '/tls', '8443']
/** What the server says when it takes calls. */
export const SERVING = 'serving'

const WEB = { namespace: 'shop', name: 'web-0', serviceAccount: 'web', command: serveCommand }
const ORDERS = { namespace: 'shop', name: 'orders-0', serviceAccount: 'orders', command: serveCommand, roots: true }

export async function runDemo(cluster: Cluster, timeline: Timeline): Promise<Demo> {
  timeline.chapter('Two pods ask for an identity: shop/web-0 and shop/orders-0')
  const start = performance.now()
  const watching = firstIdentity(timeline, start)
  await Promise.all([WEB, ORDERS].map((pod) => createPod(cluster, pod)))
  const pods = await Promise.all([WEB, ORDERS].map((pod) => waitForPod(cluster, pod, isRunning)))
  const [web, orders] = pods
  if (web === undefined || orders === undefined) throw new Error('the demo has lost its pod')

  await Promise.all([WEB, ORDERS].map((pod) => waitForLog(cluster, pod, 'main', SERVING)))

  timeline.chapter('orders-0 calls web-0 over mutual TLS, each with the certificate it was issued')
  await tellCall(cluster, timeline, web)

  timeline.chapter('An intruder has stolen the handle of web-0 and presents it on the socket of its own volume')
  await tellIntruder(cluster, timeline, await handleOf(cluster, web))
  timeline.chapter('reader-0 is a member of a role in another domain, nosy-0 is not')
  const reader = await tellRoles(cluster, timeline, { name: ORDERS, pod: orders })
  return { pods, reader, firstIdentityMs: watching() }
}

/** Reads off the timeline when the agent first issued. */
function firstIdentity(timeline: Timeline, start: number): () => number {
  const before = timeline.moments.length
  return () => {
    const issued = timeline.moments.slice(before).find(({ outcome }) => outcome === 'issued')
    if (issued === undefined) throw new Error('no identity was issued')
    return issued.monotonic - start
  }
}

async function tellCall(cluster: Cluster, timeline: Timeline, web: PodObject): Promise<void> {
  const { exitCode, output } = await cluster.node.kubelet.exec(ORDERS, 'main', ['node', workload('call'), '/tls', podIp(web), '8443'])
  const answer = JSON.parse(output) as { server?: string; youAre?: string; ms?: number }
  if (exitCode !== 0 || answer.server !== 'shop.web' || answer.youAre !== 'shop.orders') {
    throw new Error(`the call between the pods failed: ${output}`)
  }
  timeline.tell({ from: 'orders-0', to: 'web-0', what: `I reached ${answer.server}; it knows me as ${answer.youAre}`, outcome: 'agreed', ...(answer.ms === undefined ? {} : { ms: answer.ms }) })
}

async function tellIntruder(cluster: Cluster, timeline: Timeline, stolen: string): Promise<void> {
  const name = { namespace: 'shop', name: 'intruder-0' }
  await createPod(cluster, { namespace: name.namespace, manifest: intruderManifest(name, stolen) })
  await waitForPod(cluster, name, hasEnded)
  const { status, body } = JSON.parse(await logOf(cluster, name, 'main')) as { status: number; body: { code: string; message: string } }
  if (status !== 403 || body.code !== 'HANDLE_PEER_MISMATCH') throw new Error(`the intruder was answered ${status} ${body.code}`)
  timeline.tell({ from: 'intruder-0', to: 'identity-agent', what: 'init with the handle of web-0', outcome: `denied (${status} ${body.code}): ${body.message}` })
}

/** No annotation: it brings a volume of the driver itself, which gives it a socket and a handle of its own. */
function intruderManifest({ namespace, name }: { namespace: string; name: string }, stolen: string): object {
  const command = ['node', workload('intrude'), '/identity/connect/agent.sock', stolen]
  const plain = podManifest({ namespace, name, serviceAccount: 'intruder', command, restartPolicy: 'Never', identity: false }) as ManifestParts
  const [main] = plain.spec.containers
  return {
    ...plain,
    spec: {
      ...plain.spec,
      volumes: [{ name: 'mine', flexVolume: { driver: FLEX_DRIVER, readOnly: true } }],
      containers: [{ ...main, volumeMounts: [{ name: 'mine', mountPath: '/identity', readOnly: true }] }],
    },
  }
}

interface ManifestParts {
  readonly spec: { readonly containers: readonly object[] }
}

/** Where a pod's credentials lie, for a look from outside. */
export const credentialsOf = (cluster: Cluster, pod: PodObject) => ({
  tls: volumePath(cluster, pod, 'tlscerts'),
  tokens: volumePath(cluster, pod, 'ntoken'),
})
