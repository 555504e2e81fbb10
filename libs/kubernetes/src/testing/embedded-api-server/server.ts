/** An API server in this process: real TLS, real tokens, real rules, over what the suite uses of Kubernetes. */
import type { Server } from 'node:https'
import { type Clock, systemClock } from '@pallas/runtime'
import { createKubeApi, type KubeApi } from '../../api.ts'
import { NAMESPACES, NODES, pathOf, SERVICE_ACCOUNTS } from '../../resources.ts'
import { API_AUDIENCE, type Authenticator, createAuthenticator, type TokenRequest } from './authn.ts'
import type { Rule } from './authz.ts'
import type { ApiContext } from './context.ts'
import { createFaults, type Faults, FaultState } from './faults.ts'
import { type CallRecord, createHttpSide, type ServerCredentials } from './http.ts'
import { Lists } from './lists.ts'
import { Store } from './store.ts'

export interface EmbeddedWorld {
  /** Users and their static tokens, made up when absent. `admin` may do everything and is always there. */
  readonly users?: Readonly<Record<string, { readonly groups?: readonly string[]; readonly token?: string }>>
  readonly rules?: readonly Rule[]
  /** Besides `default` and `kube-system`. */
  readonly namespaces?: readonly string[]
  readonly nodes?: readonly EmbeddedNode[]
  readonly serviceAccounts?: readonly { readonly namespace: string; readonly name: string }[]
}

export interface EmbeddedNode {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly addresses?: readonly { readonly type: string; readonly address: string }[]
}

export interface EmbeddedApiServerOptions {
  readonly serverCredentials: ServerCredentials
  readonly world?: EmbeddedWorld
  /** Default 127.0.0.1 and a free port. */
  readonly listen?: { readonly host?: string; readonly port?: number }
  readonly clock?: Clock
  /** False: pods stay unbound until someone posts a binding. */
  readonly scheduler?: boolean
  /** How many changes a watch can look back. */
  readonly historyLimit?: number
  readonly bookmarkEveryMs?: number
  readonly onCall?: (call: CallRecord) => void
  readonly onBroken?: (error: unknown) => void
}

export interface EmbeddedApiServer extends AsyncDisposable {
  readonly url: string
  readonly caPem: string
  /** Static token of a user of the world. */
  tokenFor(username: string): string
  /** A signed token of a service account, bound to a pod when one is named. */
  mintToken(request: Partial<TokenRequest> & { readonly namespace: string; readonly name: string }): Promise<string>
  /** From now on another key signs tokens. Those before verify on, unless they are dropped. */
  rotateTokenKeys(before: 'kept' | 'dropped'): Promise<void>
  /** The product's own client, as this user; closed with the server. */
  client(username: string): KubeApi
  /** May be added to at any time. */
  readonly rules: Rule[]
  /** `<namespace>/<name>` of a service to `host:port`, for webhooks that name one. */
  readonly endpoints: Map<string, string>
  readonly faults: Faults
}

const ADMIN = 'admin'

const nothing = () => undefined

export async function startEmbeddedApiServer(options: EmbeddedApiServerOptions): Promise<EmbeddedApiServer> {
  await using scope = new AsyncDisposableStack()
  const { serverCredentials, world = {}, listen = {} } = options
  const { caPem } = serverCredentials
  const { context, rules, endpoints } = await openContext(options)
  const lists = new Lists(context.store)
  const state = new FaultState()
  const { bookmarkEveryMs = 60_000, onCall = nothing, onBroken = nothing } = options
  const side = { serverCredentials, context, lists, faults: state, bookmarkEveryMs, onCall, onBroken }
  const { server, cut } = createHttpSide(side)
  await listening(server, listen)
  scope.defer(() => closed(server, cut))

  const url = `https://${addressOf(server.address())}`
  const connect = (username: string) => {
    const token = context.authn.tokenFor(username)
    return createKubeApi({ server: new URL(url), ca: caPem, token: () => Promise.resolve(token) })
  }
  await using admin = connect(ADMIN)
  await seed(admin, world)
  const forget = () => {
    context.store.forgetHistory()
    lists.forget()
  }
  const parts = scope.move()
  return {
    url,
    caPem,
    tokenFor: (username) => context.authn.tokenFor(username),
    mintToken: (request) => mint(context.authn, request),
    rotateTokenKeys: (before) => context.authn.rotateKeys(before),
    client: (username) => parts.use(connect(username)),
    rules,
    endpoints,
    faults: createFaults({ state, cutConnections: cut, forget }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function openContext(options: EmbeddedApiServerOptions) {
  const { serverCredentials, world = {}, clock = systemClock, scheduler = true, historyLimit = 1_000 } = options
  const store = new Store({ now: () => clock.now(), historyLimit })
  const users = { [ADMIN]: { groups: ['system:masters'] }, ...world.users }
  const authn = await createAuthenticator({ users, store, now: () => clock.now() })
  const rules = [...(world.rules ?? [])]
  const endpoints = new Map<string, string>()
  const context: ApiContext = {
    store,
    authn,
    rules: () => rules,
    clock,
    endpoints: ({ namespace, name }) => endpoints.get(`${namespace}/${name}`),
    caPem: serverCredentials.caPem,
    scheduler,
  }
  return { context, rules, endpoints }
}

/** Makes the world through the front door, as its administrator would. */
async function seed(admin: KubeApi, world: EmbeddedWorld): Promise<void> {
  const { namespaces = [], nodes = [], serviceAccounts = [] } = world
  for (const name of new Set(['default', 'kube-system', ...namespaces])) {
    await admin.create(pathOf(NAMESPACES), { metadata: { name } })
  }
  for (const { name, labels = {}, addresses = [{ type: 'Hostname', address: name }] } of nodes) {
    const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } }
    await admin.create(pathOf(NODES), { metadata, status: { addresses } })
  }
  for (const { namespace, name } of serviceAccounts) {
    await admin.create(pathOf(SERVICE_ACCOUNTS, { namespace }), { metadata: { name } })
  }
}

type MintRequest = Parameters<EmbeddedApiServer['mintToken']>[0]

async function mint(authn: Authenticator, request: MintRequest): Promise<string> {
  const { token } = await authn.mint({ audiences: [API_AUDIENCE], expirationSeconds: 3_600, ...request })
  return token
}

const listening = (
  server: Server,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number },
) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })

const closed = (server: Server, cut: () => void) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve())
    cut()
  })

function addressOf(address: ReturnType<Server['address']>): string {
  if (address === null || typeof address === 'string') throw new Error('the server listens nowhere')
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}
