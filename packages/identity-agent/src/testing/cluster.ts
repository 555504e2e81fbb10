import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aPod } from '@pallas/identity/testing'
import { startFakeKubelet } from '@pallas/kubernetes/testing'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { createServer, openTlsFiles, peerNamed, serve } from '@pallas/service'
import { tlsDirectory } from '@pallas/service/testing'
import { JWT_ROUTES, parseJwtRequest } from '@pallas/wire'
import { TestCa } from '@pallas/x509/testing'
import { startEmbeddedZts, startTestCallback, worldOf } from '@pallas/zts/testing'

/** The pod that this agent itself would be. */
export const AGENT_POD = aPod({
  namespace: 'k8s-admin',
  name: 'agent-x',
  serviceAccount: 'athenz-identity-agent',
  uid: '00000000-0000-4000-8000-00000000a9e7',
  ip: '10.1.9.1',
})
export const POD = aPod({ namespace: 'shop', name: 'cart-0', serviceAccount: 'cart' })
export const PROVIDER = 'k8s.admin.athenz-callback'
const AGENT = 'k8s.admin.athenz-identity-agent'
const SUFFIX = 'svc.cluster.test'
export const TOKEN = 'service-account-token'

/** A JWT service that signs whatever an agent asks, and remembers it. */
async function startJwtStub(ca: TestCa, scope: AsyncDisposableStack) {
  const { log } = memoryLog()
  const files = scope.use(await tlsDirectory(ca, { commonName: 'k8s.admin.jwt', dns: ['localhost'], ip: ['127.0.0.1'] }))
  const tls = scope.use(await openTlsFiles({ ...files, ca: { files: [files.caFile] }, log, clock: systemClock }))
  const requestIds = createRequestIds()
  const app = createServer({ log, clock: systemClock, requestIds, bodyLimit: 10_000, tls, allow: peerNamed(AGENT) })
  const asked: ReturnType<typeof parseJwtRequest>[] = []
  app.post(JWT_ROUTES.jwt, (request, reply) => {
    asked.push(parseJwtRequest(request.body))
    return reply.send({ jwt: `header.payload.signature${asked.length}` })
  })
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock }))
  return { url, asked }
}

const indented = (text: string) => text.trim().replaceAll('\n', '\n    ')

/** What the cluster's configuration says otherwise. */
interface Configuration {
  /** PEM bundles. */
  readonly athenz?: string
  readonly athenzService?: string
  readonly endpoint?: string
  /** Lines to add. */
  readonly more?: string
}

/** One node among real servers, all of them in this process. */
export async function openCluster() {
  await using scope = new AsyncDisposableStack()
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  scope.defer(() => rmSync(root, { recursive: true, force: true }))
  for (const dir of ['v', 'p', 'drivers']) mkdirSync(join(root, dir), { mode: 0o755 })
  const ca = await TestCa.create({ name: 'athenz services' })

  const provider = await ca.issue({ commonName: PROVIDER })
  const callback = scope.use(await startTestCallback({ key: provider.keyPem, cert: provider.certPem, ca: ca.certPem }))
  const world = worldOf({ provider: PROVIDER, endpoint: callback.endpoint, dnsSuffixes: [SUFFIX], services: ['shop.cart', AGENT] })
  const zts = scope.use(await startEmbeddedZts({ world, ca }))
  const serving = await ca.issue({ commonName: 'kubelet', dns: ['node-1'], ip: ['127.0.0.1'] })
  const serverCredentials = { ...serving, caPem: ca.certPem }
  const kubelet = scope.use(await startFakeKubelet({ serverCredentials, readers: [TOKEN], pods: [POD, AGENT_POD] }))
  const jwt = await startJwtStub(ca, scope)
  const own = scope.use(await tlsDirectory(ca, { commonName: AGENT, dns: ['node-1'] }))

  const file = (name: string, text: string) => {
    writeFileSync(join(root, name), text)
    return join(root, name)
  }
  const configure = ({ athenz = zts.caPem, athenzService = ca.certPem, endpoint = zts.url.href, more = '' }: Configuration = {}) =>
    file(
      'config.yaml',
      `dns-suffix: ${SUFFIX}
admin-domain: k8s.admin
zts-endpoint: ${endpoint}
provider-service: ${PROVIDER}
trust-roots:
  athenz: |
    ${indented(athenz)}
  athenz-service: |
    ${indented(athenzService)}
${more}
`,
    )
  const settings = {
    config: configure(),
    key: own.keyFile,
    cert: own.certFile,
    'volumes-dir': join(root, 'v'),
    'proc-root': join(root, 'p'),
    'pod-endpoint': 'https://${KUBELET}',
    'kubelet-token-file': file('token', TOKEN),
    'kubelet-ca': own.caFile,
    'node-name': 'node-1',
    'jwt-endpoint': `${jwt.url}/v1`,
    'admin-listen': '127.0.0.1:0',
    'driver-source': file('driver', '#!driver'),
    'driver-target': join(root, 'drivers', 'athenz-volume-driver'),
  }
  const argv = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`)
  const parts = scope.move()
  const dispose = () => parts.disposeAsync()
  return { root, argv, ca, configure, zts, jwt, kubelet, callback, env: { KUBELET: new URL(kubelet.url).host }, [Symbol.asyncDispose]: dispose }
}
