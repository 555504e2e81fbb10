/** The agent: which pods run on its node, and what it tells their owners. */
import { EVENTS, pathOf } from '@pallas/kubernetes'
import { createPod, eventually, handleOf, hasEnded, isRunning, request, waitForLog, waitForPod } from '@pallas/suite'
import { metricOfAll } from './replicas.ts'
import { beginLaunch, type Scene, type Trials } from './trial.ts'

const NAME = 'athenz-identity-agent'
const REASON = 'ISSUER_DENIED'

export const agentTrials: Trials = {
  async 'get nodes/pods'(scene) {
    const { it, web } = scene
    const path = `/v1/names/${handleOf(it, web)}`
    const isRefused = async () => (await it.node.ask(web, { method: 'GET', path })).body['code'] === 'KUBELET_UNAVAILABLE' || undefined
    // The kubelet remembers for some seconds what the API server allowed.
    await eventually('the kubelet to say nothing to the agent', isRefused, it.deadlineMs)
    const pod = await beginLaunch(scene, 'unseen-by-agent-0')
    await waitForLog(it, pod, 'sia-init', 'KUBELET_UNAVAILABLE')
    return () => waitForPod(it, pod, isRunning)
  },

  async 'create events'(scene) {
    const { it } = scene
    const before = await eventFailures()
    await refused(scene, 'untold-0')
    await eventually('an Event that cannot be written', async () => (await eventFailures()) > before || undefined, it.deadlineMs)
    if ((await reasonsTold(scene, 'untold-0')).length > 0) throw new Error('the Event is there all the same')
    return async () => {
      await refused(scene, 'told-0')
      await eventually('the Event', async () => (await reasonsTold(scene, 'told-0')).includes(REASON) || undefined, it.deadlineMs)
    }
  },
}

const eventFailures = () => metricOfAll('identity-agent', 'athenz_identity_agent_pod_events_total', 'outcome="failed"')

/** Athenz does not know its service. */
async function refused({ it }: Scene, name: string): Promise<void> {
  const pod = request(it, name, { serviceAccount: 'stranger', restartPolicy: 'Never' })
  await createPod(it, pod)
  await waitForPod(it, pod, hasEnded)
}

async function reasonsTold({ it }: Scene, name: string): Promise<unknown[]> {
  const { items } = await it.api.list(pathOf(EVENTS, { namespace: 'shop' }), { fieldSelector: `involvedObject.name=${name}` })
  return items.filter(({ source }) => (source as { readonly component?: string }).component === NAME).map(({ reason }) => reason)
}
