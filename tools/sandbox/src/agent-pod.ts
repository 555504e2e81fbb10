/**
 * The pod of the identity agent, whose process the sandbox runs beside its kubelet: an object at the API server, and in the
 * files of its volumes what a kubelet would have put there.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
import type { EmbeddedApiServer } from '@pallas/kubernetes/testing'
import { againAndAgain, systemClock } from '@pallas/runtime'
import { createKubeletApi } from './kubelet/kube-client.ts'
import type { PodObject } from './kubelet/objects.ts'
import { ADMIN_NAMESPACE, AGENT_ACCOUNT, NODE, NODE_USER, PROVIDER } from './names.ts'

export interface AgentPod extends AsyncDisposable {
  readonly tokenFile: string
  readonly identityDir: string
}

export interface AgentPodOptions {
  readonly admin: KubeApi
  readonly api: EmbeddedApiServer
  readonly dir: string
}

const TOKEN_SECONDS = 3_600
/** As a kubelet does: at four fifths of its life. */
const RENEW_MS = 0.8 * TOKEN_SECONDS * 1_000

export async function openAgentPod({ admin, api, dir }: AgentPodOptions): Promise<AgentPod> {
  const pod = await createAgentPod(admin, `${AGENT_ACCOUNT}-0`)
  const kubelet = createKubeletApi(api.client(NODE_USER), NODE)
  const place = join(dir, 'agent')
  const tokenFile = join(place, 'token')
  mkdirSync(place, { mode: 0o700 })
  const project = async (): Promise<void> => {
    const token = await kubelet.serviceAccountToken(pod, { audience: PROVIDER, expirationSeconds: TOKEN_SECONDS })
    writeFileSync(`${tokenFile}.new`, token, { mode: 0o600 })
    renameSync(`${tokenFile}.new`, tokenFile)
  }
  await project()
  const again = againAndAgain({
    clock: systemClock,
    begin: 'pausing',
    pauseMs: () => RENEW_MS,
    // Of a pod that a test has deleted there is none.
    work: () => project().catch(() => undefined),
  })
  return { tokenFile, identityDir: join(place, 'identity'), [Symbol.asyncDispose]: () => again[Symbol.asyncDispose]() }
}

/** A running pod with the account of agents, on the node. */
export async function createAgentPod(admin: KubeApi, name: string): Promise<PodObject> {
  const place = { namespace: ADMIN_NAMESPACE, name }
  const containers = [{ name: 'main', image: 'sandbox/host-programs:latest' }]
  const spec = { serviceAccountName: AGENT_ACCOUNT, nodeName: NODE, hostPID: true, containers }
  await admin.create(pathOf(PODS, { namespace: ADMIN_NAMESPACE }), { apiVersion: 'v1', kind: 'Pod', metadata: place, spec })
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] }
  const running = await admin.patch(pathOf(PODS, { ...place, subresource: 'status' }), { kind: 'merge', patch: { status } })
  return running as unknown as PodObject
}

/** The sandbox runs its process, whichever pod of the agent's account it is. */
export const isAgentPod = ({ metadata, spec }: PodObject): boolean =>
  metadata.namespace === ADMIN_NAMESPACE && spec.serviceAccountName === AGENT_ACCOUNT
