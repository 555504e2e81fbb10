/** Agents in a `World`: their pods, their tokens, and what ZTS says when one asks for its own identity. */
import { type Pod } from '@pallas/identity'
import { pathOf, podOf, PODS } from '@pallas/kubernetes'
import { newPodObject } from '@pallas/kubernetes/testing'
import { AGENT_ACCOUNT, PROVIDER, type World } from './world.ts'

const NAMESPACE = 'k8s-admin'

interface AgentOptions {
  readonly namespace?: string
  readonly account?: string
}

export async function makeAgent({ admin }: World, name: string, { namespace = NAMESPACE, account = AGENT_ACCOUNT }: AgentOptions = {}): Promise<Pod> {
  await admin.create(pathOf(PODS, { namespace }), newPodObject({ name }, { serviceAccountName: account, nodeName: 'node-1' }))
  const status = { phase: 'Running', podIP: '10.1.9.1' }
  await admin.patch(pathOf(PODS, { namespace, name, subresource: 'status' }), { kind: 'merge', patch: { status } })
  return podOf(await admin.get(pathOf(PODS, { namespace, name })))
}

export const removeAgent = ({ admin }: World, { namespace, name }: Pod): Promise<void> =>
  admin.delete(pathOf(PODS, { namespace, name }), { gracePeriodSeconds: 0 })

export type TokenWish = Partial<Parameters<World['api']['mintToken']>[0]>

/** As the kubelet would put it into the agent's volume. */
export const tokenOf = ({ api }: Pick<World, 'api'>, { namespace, name, serviceAccount }: Pod, other: TokenWish = {}): Promise<string> =>
  api.mintToken({ namespace, name: serviceAccount, pod: name, audiences: [PROVIDER], ...other })

/** With exactly the names that are due to the agent. */
export const agentConfirmation = (pod: Pod, attestationData: string | null, attributes: Record<string, string> = {}) => ({
  provider: PROVIDER,
  domain: 'k8s.admin',
  service: pod.serviceAccount,
  attestationData,
  attributes: {
    instanceId: pod.uid,
    clientIP: '10.9.8.7',
    sanDNS: `${pod.serviceAccount}.k8s-admin.svc.cluster.local,${pod.uid}.instanceid.athenz.svc.cluster.local`,
    sanIP: pod.ip,
    sanURI: `spiffe://k8s.admin/sa/${pod.serviceAccount}`,
    ...attributes,
  },
})
