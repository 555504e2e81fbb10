/** A cluster with two nodes and a pod on each, and a JWT service that agents ask, all over real sockets. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readProgram } from '@pallas/config'
import type { Pod } from '@pallas/identity'
import { type KubeApi, pathOf, podOf, PODS } from '@pallas/kubernetes'
import {
  type EmbeddedApiServer,
  loopbackCredentials,
  newPodObject,
  startEmbeddedApiServer,
} from '@pallas/kubernetes/testing'
import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { tlsDirectory } from '@pallas/service/testing'
import { TestCa } from '@pallas/x509/testing'
import { program, startJwtService } from '../index.ts'

export const AGENT = 'k8s.admin.athenz-identity-agent'
export const NAMESPACE = 'media-on--air'
const ADMIN_NAMESPACE = 'k8s-admin'
const AGENT_ACCOUNT = 'athenz-identity-agent'
export const KEY_ID = 'athenz-init-secret.v1'
export const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const signingPem = signing.privateKey.export({ type: 'pkcs8', format: 'pem' })

export interface ServiceOptions {
  readonly argv?: readonly string[]
  /** Content of the file of revoked agents; without it nobody is. */
  readonly revoked?: string
  /** Content of the file of the signing key. */
  readonly keyPem?: string
  /** What the service may do with pods; without `list` and `watch` it never has a watch. */
  readonly verbs?: readonly string[]
}

const VERBS = ['get', 'list', 'watch']

export async function openService({ argv = [], keyPem = signingPem, revoked, verbs = VERBS }: ServiceOptions = {}) {
  await using scope = new AsyncDisposableStack()
  const calls: string[] = []
  const api = scope.use(await startApi(calls, verbs))
  const admin = api.client('admin')
  const pods = [await makePod(admin, 1), await makePod(admin, 2)]
  const [athenz, services] = [await TestCa.create({ name: 'athenz' }), await TestCa.create({ name: 'services' })]
  const own = { commonName: 'k8s.admin.athenz-jwt-service', dns: ['localhost'], ip: ['127.0.0.1'] }
  const tls = scope.use(await tlsDirectory(services, own))
  const dir = await mkdtemp(join(tmpdir(), 'signer-'))
  scope.defer(() => rm(dir, { recursive: true, force: true }))
  const roots = { athenz: athenz.certPem, services: services.certPem }
  const files = await writeFiles(dir, { api, keyPem, config: configOf(roots), ...(revoked === undefined ? {} : { revoked }) })
  const replace = async (name: string, text: string): Promise<void> => {
    await writeFile(join(dir, `${name}.new`), text)
    await rename(join(dir, `${name}.new`), join(dir, name))
  }
  const configure = (other: Partial<typeof roots>, more = '') => replace('config.yaml', configOf({ ...roots, ...other }, more))

  const given = ['--key', tls.keyFile, '--cert', tls.certFile, ...files, ...argv]
  const reading = readProgram(program, { argv: given, env: {}, version: 'test' })
  if (reading.kind === 'print') throw new Error(reading.text)
  const log = memoryLog()
  const metrics = testMetrics()
  const service = scope.use(await startJwtService(reading.settings, { clock: systemClock, log: log.log, metrics }))
  const agent = (dns: readonly string[] = ['node-1'], commonName = AGENT) => services.issue({ commonName, dns })
  const parts = scope.move()
  const dispose = () => parts.disposeAsync()
  const world = { api, pods, calls, athenz, services, service, log, metrics, agent, tls, replace, configure }
  return { ...world, [Symbol.asyncDispose]: dispose }
}

const startApi = async (calls: string[], verbs: readonly string[]): Promise<EmbeddedApiServer> =>
  startEmbeddedApiServer({
    serverCredentials: await loopbackCredentials(),
    world: {
      users: { signer: {} },
      rules: [
        { users: ['signer'], verbs: [...verbs], apiGroups: [''], resources: ['pods'] },
        { users: ['signer'], verbs: ['list'], apiGroups: [''], resources: ['nodes'] },
      ],
      namespaces: [NAMESPACE, ADMIN_NAMESPACE],
      nodes: [{ name: 'node-1', addresses: [{ type: 'Hostname', address: 'one.example' }] }, { name: 'node-2' }],
      serviceAccounts: [
        { namespace: NAMESPACE, name: 'web' },
        { namespace: NAMESPACE, name: AGENT_ACCOUNT },
        ...[AGENT_ACCOUNT, 'athenz-other'].map((name) => ({ namespace: ADMIN_NAMESPACE, name })),
      ],
    },
    onCall: ({ username, method, path }) => {
      if (username === 'signer') calls.push(`${method} ${path}`)
    },
  })

/** `web-<number>` on `node-<number>` with the address `10.1.2.<number>`. */
async function makePod(admin: KubeApi, number: number): Promise<Pod> {
  const name = { namespace: NAMESPACE, name: `web-${number}` }
  const spec = { serviceAccountName: 'web', nodeName: `node-${number}` }
  await admin.create(pathOf(PODS, { namespace: NAMESPACE }), newPodObject(name, spec))
  const status = { phase: 'Running', podIP: `10.1.2.${number}` }
  await admin.patch(pathOf(PODS, { ...name, subresource: 'status' }), { kind: 'merge', patch: { status } })
  return podOf(await admin.get(pathOf(PODS, name)))
}

interface AgentPodOptions {
  readonly name?: string
  readonly node?: string
  readonly namespace?: string
  readonly account?: string
}

/** A running pod; without more the agent of `node-1`. Its `remove` takes it away at once. */
export async function makeAgentPod({ api }: Pick<Opened, 'api'>, options: AgentPodOptions = {}) {
  const { name = 'agent', node = 'node-1', namespace = ADMIN_NAMESPACE, account = AGENT_ACCOUNT } = options
  const admin = api.client('admin')
  const spec = { serviceAccountName: account, nodeName: node, terminationGracePeriodSeconds: 60 }
  await admin.create(pathOf(PODS, { namespace }), newPodObject({ namespace, name }, spec))
  const to = (patch: object) => admin.patch(pathOf(PODS, { namespace, name, subresource: 'status' }), { kind: 'merge', patch: { status: patch } })
  await to({ phase: 'Running', podIP: '10.1.3.1' })
  const { uid } = podOf(await admin.get(pathOf(PODS, { namespace, name })))
  const remove = (gracePeriodSeconds = 0) => admin.delete(pathOf(PODS, { namespace, name }), { gracePeriodSeconds })
  return { uid, remove, become: (phase: string) => to({ phase }), dns: agentDns(uid) }
}

/** What the callback lets ZTS certify for an agent. */
export const agentDns = (uid: string): string[] => [
  'athenz-identity-agent.k8s-admin.svc.cluster.local',
  `${uid}.instanceid.athenz.svc.cluster.local`,
]

interface Files {
  readonly api: EmbeddedApiServer
  readonly keyPem: string
  readonly config: string
  readonly revoked?: string
}

/** Returns the flags that name them. */
async function writeFiles(dir: string, { api, keyPem, config, revoked }: Files): Promise<string[]> {
  const path = (name: string) => join(dir, name)
  await mkdir(path('keys'))
  await writeFile(path(`keys/${KEY_ID}`), keyPem)
  await writeFile(path('config.yaml'), config)
  await writeFile(path('token'), api.tokenFor('signer'))
  await writeFile(path('api-ca.pem'), api.caPem)
  const places = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--api-server', api.url]
  const named = ['--config', path('config.yaml'), '--sign-key-dir', path('keys')]
  if (revoked !== undefined) await writeFile(path('revoked'), revoked)
  const agents = revoked === undefined ? [] : ['--revoked-agents', path('revoked')]
  return [...places, ...named, ...agents, '--api-ca', path('api-ca.pem'), '--api-token-file', path('token')]
}

export type Opened = Awaited<ReturnType<typeof openService>>

const indented = (pem: string): string => pem.trim().replaceAll('\n', '\n    ')

/** Bundles of roots, and lines that are added. */
const configOf = ({ athenz, services }: { readonly athenz: string; readonly services: string }, more = ''): string => `
dns-suffix: svc.cluster.local
admin-domain: k8s.admin
zts-endpoint: https://127.0.0.1:9/zts/v1
provider-service: k8s.admin.athenz-callback
trust-roots:
  athenz: |
    ${indented(athenz)}
  athenz-service: |
    ${indented(services)}
${more}
`

interface Answer {
  readonly status: number
  readonly text: string
  readonly code: unknown
}

interface Calling extends RequestOptions {
  readonly pair?: { readonly keyPem: string; readonly certPem: string }
}

export async function call(it: Opened, path: string, body: unknown, { pair, ...other }: Calling = {}): Promise<Answer> {
  const { service, services } = it
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const identity = pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }
  const options = {
    method: 'POST',
    agent: false,
    ca: services.certPem,
    headers: { 'content-type': 'application/json' },
    ...identity,
    ...other,
  }
  const request = httpsRequest(`${service.url}${path}`, options, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('end', () => {
      const text = Buffer.concat(chunks).toString()
      resolve({
        status: response.statusCode ?? 0,
        text,
        code: text.startsWith('{') ? (JSON.parse(text) as { code?: unknown }).code : undefined,
      })
    })
  })
  request.once('error', reject)
  request.end(typeof body === 'string' ? body : JSON.stringify(body))
  return promise
}

export const bodyFor = ({ pods }: Opened, number: 1 | 2 = 1, other: Record<string, unknown> = {}) => {
  const pod = pods[number - 1]!
  const said = { ID: `${NAMESPACE}/${pod.name}`, Domain: 'media.on-air', Service: 'web', IP: pod.ip, UID: pod.uid }
  return { subject: { ...said, ...other } }
}

export const askAs = async (it: Opened, body: unknown, dns?: readonly string[], commonName?: string) =>
  call(it, '/v1/jwt', body, { pair: await it.agent(dns, commonName) })

/** Status of a plain GET at the admin listener. */
export const probe = ({ service }: Opened, path: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(`${service.adminUrl}${path}`, (response) => resolve(response.resume().statusCode))
    request.once('error', reject).end()
  })
