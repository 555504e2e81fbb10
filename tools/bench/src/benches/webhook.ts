/** The admission webhook on one core: how long a review waits at a steady rate, and how many it can take. */
import { type Cluster, TRIGGER } from '@pallas/sandbox'
import { type Figure, spread, summaryOf, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { openCluster } from '../cluster.ts'
import type { Plan } from '../load/load.ts'
import { perCore, perSecond, runLoad, utilisation } from '../load/run-load.ts'
import { pinned, SERVER_CORE } from '../pin.ts'
import { profiledServer } from '../profile/server.ts'

const RATE = 200

export const webhookBench: Bench = {
  name: 'webhook',
  doc: '200 reviews/s of a 3 KB pod in an open loop on one core, then as many as it takes',
  run: runWebhook,
  profile: async (context) => {
    await using it = await openCluster(context)
    const work = (pid: number) => runLoad({ ...planFor(it.cluster, pid), forMs: 5_000 }, context)
    return await profiledServer({ it, name: 'initializer', entry: 'initializer', work }, context)
  },
}

async function runWebhook(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick } = context
  await using it = await openCluster(context)
  const server = await it.replace('initializer', pinned(await bundle('initializer', dir), SERVER_CORE))
  const plan = planFor(it.cluster, server.pid)
  const forMs = quick ? 2_000 : 60_000
  // Warm, as a webhook is that has run for an hour.
  await runLoad({ ...plan, forMs: quick ? 1_000 : 10_000 }, context)
  const steady = await runLoad({ ...plan, ratePerSecond: RATE, connections: 8, forMs }, context)
  const full = await runLoad({ ...plan, forMs: quick ? 2_000 : 20_000 }, context)
  const late = summaryOf(steady.late)
  return [
    spread(`webhook: review at ${RATE}/s, from when it was due`, steady.waits, {
      unit: 'ms',
      line: 'webhook-latency',
      notes: [`the client was late by p50 ${late.p50.toFixed(3)}, p99 ${late.p99.toFixed(3)} ms: part of the wait`],
    }),
    value('webhook: reviews per second of processor time', perCore(full), {
      unit: '1/s',
      n: full.waits.length,
      line: 'webhook-rate',
      notes: [utilisation(full)],
    }),
    value('webhook: reviews per second seen', perSecond(full), { unit: '1/s', n: full.waits.length }),
    spread('webhook: review when full', full.waits, { unit: 'ms' }),
  ]
}

function planFor({ ports, pki }: Cluster, pid: number): Plan {
  const target = { host: '127.0.0.1', port: ports.initializer, path: '/mutate?timeout=10s', ca: pki.kubernetesCa.chainPem }
  const bodies = [JSON.stringify(review())]
  return { target, bodies, once: false, connections: 16, warmUpMs: 500, forMs: 1_000, pid }
}

const TOKEN = 'kube-api-access-x7x2k'

/** About 3 KB, as an API server sends it: a pod that asks for an identity, among environment and mounts of its own. */
function review(): object {
  const container = {
    name: 'app',
    image: 'registry.example.com/team/app:1.2.3',
    env: Array.from({ length: 24 }, (_, i) => ({ name: `SETTING_${i}`, value: `the value of the setting number ${i}` })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    volumeMounts: [{ name: TOKEN, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
  }
  const annotations = { [TRIGGER]: 'true' }
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'web-5d8f-', namespace: 'shop', labels: { app: 'web' }, annotations },
    spec: { serviceAccountName: 'web', containers: [container], volumes: [{ name: TOKEN, projected: { sources: [] } }] },
  }
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const request = {
    uid: '334b4d84-493e-4456-8f12-2bf12b010948',
    kind,
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
    object,
    oldObject: null,
    dryRun: false,
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }
}
