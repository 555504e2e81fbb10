/** The clients of `libs/kubernetes` against a real API server and a real kubelet: what their fakes promise is what these keep. */
import { describeKubeApi, describeKubelet, type KubeApiUnderTest, type KubeletUnderTest } from '@pallas/kubernetes/testing/contract'
import { createKubelet, type Kubelet, listPods } from '@pallas/kubernetes'
import { systemClock } from '@pallas/runtime'
import { eventually } from '@pallas/suite'
import { afterAll, beforeAll } from 'vitest'
import { bind, type ClusterClients, newNamespace, openClients } from './admin.ts'
import { apply } from './kubectl.ts'
import { isStopped, kubeletPid } from './processes.ts'

let it: ClusterClients
const tokens = { reader: '', other: '', stranger: 'not-a-token' }

const POD_READER = 'pallas-suite-pod-reader'

beforeAll(async () => {
  it = await openClients()
  await apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: POD_READER },
      rules: [{ apiGroups: [''], resources: ['nodes/pods'], verbs: ['get'] }],
    },
  ])
  tokens.reader = await it.tokenOf('reader')
  tokens.other = await it.tokenOf('nobody')
  await bind(it, 'reader', POD_READER)
})
afterAll(() => it[Symbol.asyncDispose]())

async function openApi(): Promise<KubeApiUnderTest> {
  const { name, ...namespace } = await newNamespace(it.admin)
  return { admin: it.admin, nobody: it.as(tokens.other), stranger: it.as(tokens.stranger), namespace: name, ...namespace }
}

async function openKubelet(): Promise<KubeletUnderTest> {
  const { nodeName, nodeAddress } = it.cluster
  const { pods } = await listPods(it.admin, { fieldSelector: `spec.nodeName=${nodeName}` })
  const clientOf = (as: keyof typeof tokens, timeoutMs = 5_000): Kubelet & AsyncDisposable =>
    createKubelet({ url: new URL(`https://${nodeAddress}:10250`), token: () => Promise.resolve(tokens[as]), trust: { ca: it.caPem }, clock: systemClock, timeoutMs })
  const parts = new AsyncDisposableStack()
  return {
    uids: pods.map(({ uid }) => uid),
    hang: async () => {
      const pid = await kubeletPid()
      parts.defer(() => void process.kill(pid, 'SIGCONT'))
      process.kill(pid, 'SIGSTOP')
      await eventually('every thread of the kubelet to stand still', () => (isStopped(pid) ? true : undefined))
    },
    kubelet: (as, timeoutMs) => parts.use(clientOf(as, timeoutMs)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

describeKubeApi('a real API server', openApi)
describeKubelet('a real kubelet', openKubelet)
