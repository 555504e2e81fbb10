/** What the owner of a pod finds on it when it was refused: a Kubernetes Event with the reason of the log and of the answer. */
import { pathOf, EVENTS } from '@pallas/kubernetes'
import { eventually, handleOf, launch, logged, type PodObject, request } from '@pallas/suite'
import { expect, test } from 'vitest'
import { openCluster } from './open-cluster.ts'

type It = Awaited<ReturnType<typeof openCluster>>

/** Events on a pod, as `kubectl describe` would show them. */
async function eventsOf({ api }: It, { metadata }: PodObject) {
  const { items } = await api.list(pathOf(EVENTS, { namespace: metadata.namespace }))
  return items.filter((event) => (event['involvedObject'] as { readonly uid?: string } | undefined)?.uid === metadata.uid)
}

test('a pod that came with the handle of another is told on the pod, and so is that one (T01, W4)', async () => {
  await using it = await openCluster()
  const web = await launch(it, request(it, 'web-0'))
  const orders = await launch(it, request(it, 'orders-0', { serviceAccount: 'orders' }))
  const foreign = handleOf(it, orders)
  expect(await it.node.ask(web, { method: 'POST', path: `/v1/init/${foreign}` })).toMatchObject({
    status: 403,
    body: { code: 'HANDLE_PEER_MISMATCH' },
  })
  await logged(it, 'identity-agent', 'HANDLE_PEER_MISMATCH')
  for (const [pod, message] of [
    [web, 'no identity: The calling process is in another pod'],
    [orders, 'another pod used the handle of this one'],
  ] as const) {
    const events = await eventually('an event on the pod', async () => {
      const found = await eventsOf(it, pod)
      return found.length > 0 ? found : undefined
    })
    expect(events).toMatchObject([
      {
        type: 'Warning',
        reason: 'HANDLE_PEER_MISMATCH',
        message: expect.stringContaining(message) as string,
        involvedObject: { kind: 'Pod', namespace: 'shop', name: pod.metadata.name },
        source: { component: 'athenz-identity-agent', host: 'node-1' },
      },
    ])
    expect(JSON.stringify(events)).not.toContain(foreign)
  }
}, 120_000)
