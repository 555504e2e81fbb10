/** A cluster with one pod, an API server, the files of a callback, and callbacks started on them, over real sockets. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
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
import { type Clock, systemClock } from '@pallas/runtime'
import { memoryLog, type MemoryLog, testMetrics, type TestMetrics } from '@pallas/runtime/testing'
import { type TlsDirectory, tlsDirectory } from '@pallas/service/testing'
import { TestCa } from '@pallas/x509/testing'
import { type Callback, program, startCallback } from '../index.ts'
import { ecKeyPair, KEY_ID, type KeyPair } from './documents.ts'

export const PROVIDER = 'k8s.admin.athenz-callback'
export const ZTS_NAME = 'zts.athenz.test'
const LEASES_IN = 'k8s-admin'
export const AGENT_ACCOUNT = 'athenz-identity-agent'
const POD = { namespace: 'media-on--air', name: 'web-0' }

/** All that a callback may do (W19): no secret is among it. */
const RULES = [
  { users: ['callback'], verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] },
  { users: ['callback'], verbs: ['get'], apiGroups: [''], resources: ['nodes'] },
  { users: ['callback'], verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] },
  {
    users: ['callback'],
    namespaces: [LEASES_IN],
    verbs: ['get', 'list', 'create', 'delete'],
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
  },
]

/** All that a JWT service may do. */
const SIGNER_RULES = [
  { users: ['signer'], verbs: ['get'], apiGroups: [''], resources: ['pods'] },
  { users: ['signer'], verbs: ['list'], apiGroups: [''], resources: ['nodes'] },
]

/** The wall clock of the machine, and waits that pass a hundred times faster. */
export const hurriedClock: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
}

export interface RunningCallback extends Callback {
  readonly log: MemoryLog
  readonly metrics: TestMetrics
}

export interface World extends AsyncDisposable, Authorities {
  readonly api: EmbeddedApiServer
  readonly admin: KubeApi
  /** Where its files are: `config.yaml`, `api-ca.pem`, `keys/`, and what a test adds. */
  readonly dir: string
  /** Method and path of every call of a callback. */
  readonly calls: readonly string[]
  readonly signing: KeyPair
  readonly pod: Pod
  /** The callback's own key, certificate and root. */
  readonly tls: TlsDirectory
  /** Replaces the cluster's configuration; what is not said stays as it was at first. */
  configure(roots: Partial<Roots>, more?: string): Promise<void>
  /** Puts a public key in place; without text takes it away. */
  publish(keyId: string, publicPem?: string): Promise<void>
  patchPod(status: object): Promise<void>
  deletePod(): Promise<void>
  start(...argv: string[]): Promise<RunningCallback>
}

export interface WorldOptions {
  /** Nobody listens there by default. */
  readonly ztsEndpoint?: string
  readonly authorities?: Authorities
  /** False: the role by which every service account may is taken away. */
  readonly readsTokenKeys?: boolean
}

/** `athenz` vouches for ZTS, `services` for services, the callback among them. */
export interface Authorities {
  readonly athenz: TestCa
  readonly services: TestCa
}

export async function newAuthorities(): Promise<Authorities> {
  return { athenz: await TestCa.create({ name: 'athenz' }), services: await TestCa.create({ name: 'services' }) }
}

/** PEM bundles. */
export interface Roots {
  readonly athenz: string
  readonly services: string
}

const NOBODY = 'https://127.0.0.1:9/zts/v1'

export async function openWorld({ ztsEndpoint = NOBODY, authorities, readsTokenKeys = true }: WorldOptions = {}): Promise<World> {
  await using scope = new AsyncDisposableStack()
  const calls: string[] = []
  const api = scope.use(await startApi(calls, readsTokenKeys))
  const admin = api.client('admin')
  const { athenz, services } = authorities ?? (await newAuthorities())
  const signing = ecKeyPair()
  const tls = scope.use(await tlsDirectory(services, { commonName: PROVIDER, dns: ['localhost'], ip: ['127.0.0.1'] }))
  const dir = await mkdtemp(join(tmpdir(), 'callback-'))
  scope.defer(() => rm(dir, { recursive: true, force: true }))
  const roots = { athenz: athenz.certPem, services: services.certPem }
  const files = await writeFiles(dir, { api, signing, config: configOf(roots, ztsEndpoint) })
  const replace = async (name: string, text: string): Promise<void> => {
    await writeFile(join(dir, `${name}.new`), text)
    await rename(join(dir, `${name}.new`), join(dir, name))
  }
  const pod = await makePod(admin)
  const parts = scope.move()

  return {
    api,
    admin,
    dir,
    calls,
    athenz,
    services,
    signing,
    pod,
    tls,
    configure: (other, more) => replace('config.yaml', configOf({ ...roots, ...other }, ztsEndpoint, more)),
    publish: (keyId, pem) => (pem === undefined ? rm(join(dir, 'keys', keyId)) : writeFile(join(dir, 'keys', keyId), pem)),
    patchPod: (status) => patchStatus(admin, status),
    deletePod: () => admin.delete(pathOf(PODS, POD), { gracePeriodSeconds: 0 }),
    async start(...argv) {
      const given = ['--key', tls.keyFile, '--cert', tls.certFile, ...files, ...argv]
      const reading = readProgram(program, { argv: given, env: { ZTS_COMMON_NAME: ZTS_NAME }, version: 'test' })
      if (reading.kind === 'print') throw new Error(reading.text)
      const log = memoryLog()
      const metrics = testMetrics()
      const callback = parts.use(await startCallback(reading.settings, { clock: hurriedClock, log: log.log, metrics }))
      return { ...callback, log, metrics }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

const startApi = async (calls: string[], readsTokenKeys: boolean): Promise<EmbeddedApiServer> =>
  startEmbeddedApiServer({
    serverCredentials: await loopbackCredentials(),
    world: {
      users: { callback: { groups: readsTokenKeys ? ['system:serviceaccounts'] : [] }, signer: {} },
      rules: [...RULES, ...SIGNER_RULES],
      namespaces: [LEASES_IN, POD.namespace],
      nodes: [{ name: 'node-1', addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }],
      serviceAccounts: [
        { namespace: POD.namespace, name: 'web' },
        { namespace: POD.namespace, name: AGENT_ACCOUNT },
        { namespace: LEASES_IN, name: AGENT_ACCOUNT },
        { namespace: LEASES_IN, name: 'athenz-other' },
      ],
    },
    onCall: ({ username, method, path }) => {
      if (username === 'callback') calls.push(`${method} ${path}`)
    },
  })

const indented = (pem: string): string => pem.trim().replaceAll('\n', '\n    ')

const configOf = ({ athenz, services }: Roots, ztsEndpoint: string, more = ''): string => `
dns-suffix: svc.cluster.local
admin-domain: k8s.admin
zts-endpoint: ${ztsEndpoint}
provider-service: ${PROVIDER}
trust-roots:
  athenz: |
    ${indented(athenz)}
  athenz-service: |
    ${indented(services)}
${more}
`

interface Files {
  readonly api: EmbeddedApiServer
  readonly signing: KeyPair
  readonly config: string
}

/** Returns the flags that name them. */
async function writeFiles(dir: string, { api, signing, config }: Files): Promise<string[]> {
  const path = (name: string) => join(dir, name)
  await mkdir(path('keys'))
  await writeFile(path(`keys/${KEY_ID}`), signing.publicPem)
  await writeFile(path('config.yaml'), config)
  await writeFile(path('token'), api.tokenFor('callback'))
  await writeFile(path('api-ca.pem'), api.caPem)
  const places = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--api-server', api.url]
  const named = ['--config', path('config.yaml'), '--sign-pub-dir', path('keys')]
  return [...places, ...named, '--api-ca', path('api-ca.pem'), '--api-token-file', path('token')]
}

async function makePod(admin: KubeApi): Promise<Pod> {
  await admin.create(pathOf(PODS, { namespace: POD.namespace }), newPodObject(POD, { serviceAccountName: 'web' }))
  await patchStatus(admin, { phase: 'Running', podIP: '10.1.2.3' })
  return podOf(await admin.get(pathOf(PODS, POD)))
}

async function patchStatus(admin: KubeApi, status: object): Promise<void> {
  await admin.patch(pathOf(PODS, { ...POD, subresource: 'status' }), { kind: 'merge', patch: { status } })
}
