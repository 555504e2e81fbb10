/** The second part of the story: a pod holds a role in another domain, and another pod believes it; a third has it not. */
import { REPOSITORY } from '@pallas/build'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import type { PodName } from './kubelet/kubelet.ts'
import type { PodObject } from './kubelet/objects.ts'
import { rolePod } from './manifests.ts'
import { ROLE, ROLE_NAME, ROOTS } from './names.ts'
import { createPod, isRunning, podIp, volumePath, waitForLog, waitForPod } from './pod-control.ts'
import type { Timeline } from './timeline.ts'

const MEMBER = { namespace: 'shop', name: 'reader-0', serviceAccount: 'web' }
const STRANGER = { namespace: 'shop', name: 'nosy-0', serviceAccount: 'orders' }
const SIA = 'sia-roles'

export const ROLE_CERT = `${ROLE_NAME}.cert.pem`
export const ROLE_TOKEN = `${ROLE_NAME}.accesstoken`

const CALL = join(REPOSITORY, 'tools/suite/src/workload/call.ts')
const CHECK_TOKEN = join(REPOSITORY, 'tools/sandbox/src/workload/check-token.ts')

export interface Believer {
  readonly name: PodName
  readonly pod: PodObject
}

/** Resolves with the pod that holds the role. `orders` serves on mutual TLS, and sees the roots of ZTS. */
export async function tellRoles(cluster: Cluster, timeline: Timeline, orders: Believer): Promise<PodObject> {
  const ztsEndpoint = cluster.zts.url.href
  const launch = async (who: typeof MEMBER): Promise<PodObject> => {
    await createPod(cluster, { namespace: who.namespace, manifest: rolePod({ ...who, ztsEndpoint }) })
    return waitForPod(cluster, who, isRunning)
  }
  const [reader] = await Promise.all([launch(MEMBER), launch(STRANGER)])
  await heldFiles(cluster, reader)
  timeline.tell({ from: 'reader-0', what: `holds certificate and token of ${ROLE_NAME}`, outcome: 'issued' })
  await tellCertificate(cluster, timeline, orders)
  await tellToken(cluster, timeline, orders, reader)
  await waitForLog(cluster, STRANGER, SIA, 'ISSUER_DENIED')
  timeline.tell({ from: 'nosy-0', to: 'zts', what: `${ROLE_NAME}, as shop.orders, who is no member`, outcome: 'denied (ISSUER_DENIED)' })
  return reader
}

/** What of the role lies in the pod's volume, of one generation. */
export function roleFiles(cluster: Cluster, pod: PodObject): { readonly dir: string; readonly names: readonly string[] } {
  const dir = volumePath(cluster, pod, 'roles')
  return { dir: join(dir, readlinkSync(join(dir, '..data'))), names: ['service.key', 'service.cert', 'cacert.pem', ROLE_CERT, ROLE_TOKEN] }
}

const PATIENCE_MS = 45_000

async function heldFiles(cluster: Cluster, pod: PodObject): Promise<void> {
  const dir = volumePath(cluster, pod, 'roles')
  for (const giveUpAt = performance.now() + PATIENCE_MS; !existsSync(join(dir, ROLE_CERT)) || !existsSync(join(dir, ROLE_TOKEN)); ) {
    if (performance.now() > giveUpAt) throw new Error('the role did not come in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function tellCertificate(cluster: Cluster, timeline: Timeline, { pod }: Believer): Promise<void> {
  const argv = ['node', CALL, '/roles', podIp(pod), '8443', ROLE_CERT]
  const { exitCode, output } = await cluster.node.kubelet.exec(MEMBER, 'main', argv)
  const answer = JSON.parse(output) as { youAre?: string; ms?: number }
  if (exitCode !== 0 || answer.youAre !== ROLE_NAME) throw new Error(`the call with the role failed: ${output}`)
  timeline.tell({ from: 'reader-0', to: 'orders-0', what: `it knows me as ${answer.youAre}, over mutual TLS`, outcome: 'agreed', ...(answer.ms === undefined ? {} : { ms: answer.ms }) })
}

async function tellToken(cluster: Cluster, timeline: Timeline, { name }: Believer, reader: PodObject): Promise<void> {
  const token = readFileSync(join(volumePath(cluster, reader, 'roles'), ROLE_TOKEN), 'utf8').trim()
  const keys = new URL(`${cluster.zts.url.href.replace(/\/$/, '')}/oauth2/keys?rfc=true`)
  const argv = ['node', CHECK_TOKEN, `/roots/${ROOTS.key}`, keys.href, ROLE.domain, token]
  const { exitCode, output } = await cluster.node.kubelet.exec(name, 'main', argv)
  if (exitCode !== 0) throw new Error(`the token does not verify: ${output}`)
  const { sub, scp } = JSON.parse(output) as { sub?: string; scp?: readonly string[] }
  if (sub !== ROLE.member || scp?.includes(ROLE.role) !== true) throw new Error(`the token says something else: ${output}`)
  timeline.tell({ from: 'orders-0', to: 'zts', what: `reader-0's token is yours, for ${sub} as ${scp.join(', ')}`, outcome: 'agreed' })
}
