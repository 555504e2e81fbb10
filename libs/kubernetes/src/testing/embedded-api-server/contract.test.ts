import { createKubeApi } from '../../api.ts'
import { describeKubeApi, type KubeApiUnderTest } from '../contract.ts'
import { loopbackCredentials } from '../loopback-credentials.ts'
import { startEmbeddedApiServer } from './index.ts'

const nobodysToken = () => Promise.resolve('not-a-token')

async function open(): Promise<KubeApiUnderTest> {
  const world = { users: { nobody: {} }, namespaces: ['contract'], nodes: [{ name: 'node-1' }] }
  const server = await startEmbeddedApiServer({ serverCredentials: await loopbackCredentials(), world })
  const stranger = createKubeApi({ server: new URL(server.url), ca: server.caPem, token: nobodysToken })
  return {
    admin: server.client('admin'),
    nobody: server.client('nobody'),
    stranger,
    namespace: 'contract',
    forgetHistory: () => server.faults.forgetHistory(),
    [Symbol.asyncDispose]: async () => {
      await stranger[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describeKubeApi('the embedded api server', open)
