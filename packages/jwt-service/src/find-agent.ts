/**
 * The agent pod of a UID: from the watch of pods, or from a list of the agents where the watch does not show it.
 *
 * A pod stays on its node, in its namespace and of its account for as long as its UID lives, so that a watch that is
 * some moments behind can only be late to say that an agent is gone. Beyond that nothing old says yes.
 */
import { type Pod, podState } from '@pallas/identity'
import type { Clock } from '@pallas/runtime'
import type { FollowedPods } from './followed-pods.ts'
import { createFresh, type Fresh } from './fresh.ts'

export interface AgentPod {
  readonly uid: string
  readonly namespace: string
  readonly serviceAccount: string
}

export interface FindAgentDeps {
  readonly watch: Pick<FollowedPods, 'byUid' | 'isCurrent'>
  /** From the API server. Throws `API_UNAVAILABLE`. */
  readonly listAgents: (of: Omit<AgentPod, 'uid'>) => Promise<readonly Pod[]>
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Undefined when no such pod is on a node, or it has ended. One that is terminating still serves the pods of its node. */
export type FindAgent = (agent: AgentPod, signal?: AbortSignal) => Promise<Pod | undefined>

/** A UID that the watch does not show may be that of a new agent: look, but not at every request. */
const RETRY_MS = 1_000
/** While there is no watch that counts: how long an agent that was deleted may still be believed, as with Nodes. */
const FRESH_MS = 15_000

export function createFindAgent({ watch, listAgents, clock }: FindAgentDeps): FindAgent {
  let listed: { readonly of: string; readonly agents: Fresh<readonly Pod[]> } | undefined

  /** Of the namespace and account that were asked for last: the configuration may change them, and nothing else. */
  const agentsOf = (of: Omit<AgentPod, 'uid'>): Fresh<readonly Pod[]> => {
    const key = `${of.namespace}/${of.serviceAccount}`
    if (listed?.of !== key) listed = { of: key, agents: createFresh(() => listAgents(of), clock) }
    return listed.agents
  }

  return async (agent, signal) => {
    const watched = watch.byUid(agent.uid)
    if (watched !== undefined && isAgent(watched, agent)) return watched
    const { namespace, serviceAccount } = agent
    const agents = await agentsOf({ namespace, serviceAccount }).noOlderThan(watch.isCurrent() ? RETRY_MS : FRESH_MS)
    signal?.throwIfAborted()
    return agents.find((pod) => isAgent(pod, agent))
  }
}

const isAgent = (pod: Pod, { uid, namespace, serviceAccount }: AgentPod): boolean =>
  pod.uid === uid &&
  pod.namespace === namespace &&
  pod.serviceAccount === serviceAccount &&
  pod.node !== '' &&
  podState(pod) !== 'ended'
