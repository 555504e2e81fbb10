import { createKubelet, type KubeApi, type Kubelet } from '@pallas/kubernetes'
import { loopbackCredentials, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { describeKubelet, type KubeletUnderTest } from '@pallas/kubernetes/testing/contract'
import { systemClock } from '@pallas/runtime'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { podWith } from '../testing/pod-parts.ts'
import type { KubeletApi } from './api.ts'
import { createKubeletApi } from './kube-client.ts'
import { startPodsServer } from './pods-server.ts'

const NODE = 'node-1'
const NODE_USER = 'system:node:node-1'
const credentials = await loopbackCredentials([NODE])
const pods = [podWith(), podWith({}, { name: 'web-1', uid: '0b6e2f3c-3c0e-4d46-8d0e-5f1f8f3f2a10' })].map((pod) => ({
  ...pod,
  status: { phase: 'Running', podIP: '10.0.0.1' },
}))

const rules = [
  { users: ['system:serviceaccount:shop:reader'], verbs: ['get'], resources: ['nodes/pods'], apiGroups: [''] },
  { users: [NODE_USER], verbs: ['create'], resources: ['tokenreviews'], apiGroups: ['authentication.k8s.io'] },
  { users: [NODE_USER], verbs: ['create'], resources: ['subjectaccessreviews'], apiGroups: ['authorization.k8s.io'] },
]

interface Open extends KubeletUnderTest {
  readonly url: string
  readonly reader: string
}

/** The kubelet's API behind an API server that knows tokens and rights. */
async function open(): Promise<Open> {
  await using scope = new AsyncDisposableStack()
  const accounts = ['reader', 'other'].map((name) => ({ namespace: 'shop', name }))
  const world = { users: { [NODE_USER]: {} }, rules, namespaces: ['shop'], nodes: [{ name: NODE }], serviceAccounts: accounts }
  const server = scope.use(await startEmbeddedApiServer({ serverCredentials: credentials, world }))
  const node: KubeApi = server.client(NODE_USER)
  const real = createKubeletApi(node, NODE)
  const silence = Promise.withResolvers<undefined>()
  let hanging = false
  const api: Pick<KubeletApi, 'userOf' | 'mayGetNode'> = {
    userOf: (token) => (hanging ? silence.promise : real.userOf(token)),
    mayGetNode: (user, subresource) => real.mayGetNode(user, subresource),
  }
  const { keyPem: key, certPem: cert } = credentials
  const { url } = scope.use(await startPodsServer({ api, pods: () => pods, tls: { key, cert }, nodeName: NODE }))
  const [reader = '', other = ''] = await Promise.all(accounts.map((account) => server.mintToken(account)))
  const tokens = { reader, other, stranger: 'nobody' }
  const parts = scope.move()
  parts.defer(() => silence.resolve(undefined))
  return {
    url,
    reader,
    uids: pods.map(({ metadata }) => metadata.uid),
    hang: () => void (hanging = true),
    kubelet: (as, timeoutMs = 2_000): Kubelet => {
      const trust = { ca: credentials.caPem }
      return parts.use(createKubelet({ url: new URL(url), token: () => Promise.resolve(tokens[as]), trust, clock: systemClock, timeoutMs }))
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

describeKubelet("the sandbox's kubelet", open)

test.each([
  ['GET', '/pods?x=1', 200],
  ['POST', '/pods', 405],
  ['GET', '/metrics', 403],
  ['GET', '/', 403],
])('%s %s answers %i to who may read pods alone', async (method, path, status) => {
  await using it = await open()
  await using dispatcher = disposable(new Agent({ connect: { ca: credentials.caPem } }))
  const answer = await request(new URL(path, it.url), { method, dispatcher, headers: { authorization: `Bearer ${it.reader}` } })
  await answer.body.dump()
  expect(answer.statusCode).toBe(status)
})

const disposable = (agent: Agent) => Object.assign(agent, { [Symbol.asyncDispose]: () => agent.close() })
