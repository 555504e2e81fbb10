/** The JWT service, called with the agent's own certificate: one from the host, or one that the agent gets itself. */
import type { Keys } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { fileToken, type Kubelet } from '@pallas/kubernetes'
import { nodeHost } from '@pallas/linux'
import type { Clock, Logger, Metrics, WatchedFile } from '@pallas/runtime'
import { clientDispatcher, openTlsFiles, ownCertificate, type TlsFiles } from '@pallas/service'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { Zts } from '@pallas/zts'
import { createCertificateCheck } from './certificate-check.ts'
import { createDocuments, type Documents } from './documents.ts'
import type { AgentEvents } from './events.ts'
import { createObtain } from './own/obtain.ts'
import { createOwnEvents } from './own/own-events.ts'
import { createOwnFiles } from './own/own-files.ts'
import { keepOwnIdentity } from './own/own-identity.ts'
import { createPods } from './pods.ts'
import type { IdentityAgentSettings } from './settings.ts'

/** A document takes milliseconds, and each connection a handshake that takes as long: more would cost a burst what they save. */
const CONNECTIONS = 16

export interface JwtDoor extends AsyncDisposable {
  readonly documents: Documents
  /** Why the agent has no certificate that counts. */
  readonly problem: () => string | undefined
}

export interface JwtDoorDeps {
  readonly config: Pick<WatchedFile<ClusterConfig>, 'current' | 'onChange'>
  readonly kubelet: Kubelet
  readonly zts: Pick<Zts, 'register'>
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly events: Pick<AgentEvents, 'ztsCalled'>
}

type Settings = Pick<
  IdentityAgentSettings,
  | 'key'
  | 'cert'
  | 'identityTokenFile'
  | 'identityDir'
  | 'jwtEndpoint'
  | 'jwtServerName'
  | 'jwtServiceTimeout'
  | 'podIpTimeout'
  | 'certificateLife'
>

/** Settings have been checked: exactly one form is said. */
export const openJwtDoor = ({ key, cert, ...settings }: Settings, deps: JwtDoorDeps): Promise<JwtDoor> =>
  key !== undefined && cert !== undefined
    ? openProvisioned({ ...settings, keyFile: key, certFile: cert }, deps)
    : openOwn(settings, deps)

type Pair = Pick<Parameters<typeof openTlsFiles>[0], 'keyFile' | 'certFile'>

const openPair = ({ keyFile, certFile }: Pair, { config, log, clock }: JwtDoorDeps): Promise<TlsFiles> =>
  openTlsFiles({ keyFile, certFile, ca: { pem: () => config.current().trustRoots.athenzService }, log, clock })

/** Until it is disposed; the files stay open. */
function openCaller(tls: TlsFiles, { jwtEndpoint, jwtServerName: serverName, jwtServiceTimeout: timeoutMs }: Omit<Settings, 'key' | 'cert'>) {
  const dispatcher = clientDispatcher({ tls, maxConnections: CONNECTIONS, ...(serverName === undefined ? {} : { serverName }) })
  return { dispatcher, documents: createDocuments({ endpoint: new URL(jwtEndpoint), dispatcher, timeoutMs }) }
}

async function openProvisioned(settings: Omit<Settings, 'key' | 'cert'> & Pair, deps: JwtDoorDeps): Promise<JwtDoor> {
  await using scope = new AsyncDisposableStack()
  const tls = scope.use(await openPair(settings, deps))
  scope.defer(deps.config.onChange(() => void tls.reload()))
  const { dispatcher, documents } = openCaller(tls, settings)
  scope.use(dispatcher)
  const problem = ownCertificate({ tls, clock: deps.clock, metrics: deps.metrics })
  const parts = scope.move()
  return { documents, problem, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const COME_BACK_MS = 2_000

async function openOwn(settings: Omit<Settings, 'key' | 'cert'>, deps: JwtDoorDeps): Promise<JwtDoor> {
  const { config, kubelet, zts, keys, clock, log, metrics, events } = deps
  const { identityTokenFile: path = '', identityDir, podIpTimeout: waitMs, certificateLife: lifeMs } = settings
  await using scope = new AsyncDisposableStack()
  const callers = scope.use(new AsyncDisposableStack())
  let current: { readonly tls: TlsFiles; readonly documents: Documents } | undefined

  const token = fileToken({ path, clock })
  const files = createOwnFiles(identityDir, { files: nodeHost().files, clock })
  const check = createCertificateCheck({ roots: () => config.current().trustRoots.athenzService, verify: (it) => keys.verify(it), clock })
  const pods = createPods({ kubelet, clock, waitMs })
  const identity = scope.use(
    await keepOwnIdentity({
      obtain: createObtain({ token, pods, cluster: () => config.current(), keys, zts, check, events, lifeMs }),
      files,
      open: () => openPair(files, deps),
      onFirst(tls) {
        const { dispatcher, documents } = openCaller(tls, settings)
        callers.use(dispatcher)
        callers.defer(config.onChange(() => void tls.reload()))
        current = { tls, documents }
      },
      token,
      dnsSuffix: () => config.current().dnsSuffix,
      check,
      clock,
      events: createOwnEvents({ log, metrics }),
    }),
  )
  // The metrics alone: what is ready is for the keeper to say.
  ownCertificate({ tls: { notAfter: () => current?.tls.notAfter() ?? 0, isUnusable: () => current?.tls.isUnusable() ?? false }, clock, metrics })
  const parts = scope.move()
  return {
    documents: {
      async sign(...asked) {
        if (current !== undefined) return current.documents.sign(...asked)
        throw new IdentityError('NOT_READY', 'the agent has no identity of its own yet', {}, { retryAfterMs: COME_BACK_MS })
      },
    },
    problem: identity.problem,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
