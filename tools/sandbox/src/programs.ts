/** The command lines of the suite's programs in this sandbox, as a deployment's manifests would say them. */
import { nodeFlagsOf, REPOSITORY, staticProgram } from '@pallas/build'
import { join } from 'node:path'
import type { AgentPod } from './agent-pod.ts'
import type { Clocks } from './clocks.ts'
import { ADMIN_NAMESPACE, AGENT, type Account, CONFIG_MAP, LEASES_NAMESPACE, NODE, SIGNING_KEY, ZTS_NAME } from './names.ts'
import type { Pki } from './pki.ts'
import type { Reaper } from './reaper.ts'
import type { State } from './state.ts'

/** argv that runs a program of the suite from its source on the pinned Node, as its first line says. */
export const run = (path: string): readonly string[] => [process.execPath, ...nodeFlagsOf(path), join(REPOSITORY, path)]

export const PROGRAMS = {
  driver: run('packages/volume-driver/src/main.ts'),
  sia: run('packages/sia/src/main.ts'),
  controlSia: run('packages/sia/src/control-main.ts'),
  agent: run('packages/identity-agent/src/main.ts'),
  jwtService: run('packages/jwt-service/src/main.ts'),
  callback: run('packages/callback/src/main.ts'),
  initializer: run('packages/initializer/src/main.ts'),
} as const

const COMPILED = 'NODE_COMPILE_CACHE'

/** For the environment of a program: where Node keeps what it compiled, when this process was told a place. */
export function compiled(): Readonly<Record<string, string>> {
  const dir = process.env[COMPILED]
  return dir === undefined ? {} : { [COMPILED]: dir }
}

/** Where the programs behind the door of `@pallas/host` run: on Node, or as the static files of `npm run build:static`. */
export type Home = 'node' | 'static'

/** argv of those programs there. */
export const behindDoor = (home: Home): Readonly<Record<'driver' | 'sia' | 'controlSia', readonly string[]>> =>
  home === 'node'
    ? PROGRAMS
    : {
        driver: [staticProgram('athenz-volume-driver')],
        sia: [staticProgram('athenz-sia')],
        controlSia: [staticProgram('athenz-control-sia')],
      }

export type Ports = Record<
  | 'jwtService'
  | 'jwtServiceAdmin'
  | 'jwtService2'
  | 'jwtService2Admin'
  | 'callback'
  | 'callbackAdmin'
  | 'callback2'
  | 'callback2Admin'
  | 'initializer'
  | 'initializerAdmin'
  | 'agentAdmin',
  number
>

export interface ProgramContext {
  /** Where the agent's own identity comes from: its pod's token, or key and certificate from its host. */
  readonly agent: Pick<AgentPod, 'tokenFile' | 'identityDir'> | 'provisioned'
  /** Where the webhook's certificate comes from: itself, or key and certificate from whoever runs the cluster. */
  readonly webhookCertificate: 'own' | 'provisioned'
  readonly state: State
  readonly pki: Pki
  readonly ports: Ports
  readonly apiServer: string
  readonly kubelet: string
  /** Upper bound of the wait between renewals of the control plane's own identities; empty: the program's default. */
  readonly controlRefreshInterval: string
  /** Longest call of ZTS by the agent; empty: the program's default. */
  readonly ztsTimeout: string
  readonly clocks: Clocks
  readonly home: Home
  readonly reaper: Reaper
  tokenFile(account: Account): string
}

const loopback = (port: number): string => `127.0.0.1:${port}`
export const adminUrl = (port: number): string => `http://${loopback(port)}`

/** Where athenz-control-sia puts the identity of a control plane service. */
export const controlIdentity = ({ pki: _pki, state }: Pick<ProgramContext, 'pki' | 'state'>, account: Account) => {
  const dir = join(state.pki, account)
  return { key: join(dir, 'service.key'), cert: join(dir, 'public', 'service.cert'), ca: join(dir, 'public', 'ca.cert'), ntoken: join(dir, 'tokens', 'ntoken'), dir }
}

export function controlSiaArgs(context: ProgramContext, account: Account, mode: 'init' | 'refresh'): string[] {
  const { dir, cert, ca, ntoken } = controlIdentity(context, account)
  return [
    `--mode=${mode}`,
    `--namespace=${ADMIN_NAMESPACE}`,
    `--account=${account}`,
    `--identity-dir=${dir}`,
    `--out-cert=${cert}`,
    `--out-ca-cert=${ca}`,
    `--out-ntoken=${ntoken}`,
    `--config=${context.state.clusterConfig}`,
    ...(context.controlRefreshInterval === '' ? [] : [`--refresh-interval=${context.controlRefreshInterval}`]),
  ]
}

const api = (context: ProgramContext, account: Account): string[] => [
  `--api-server=${context.apiServer}`,
  `--api-ca=${context.pki.kubernetesCaFile}`,
  `--api-token-file=${context.tokenFile(account)}`,
]

/** Where one replica listens. */
export interface Listening {
  readonly port: number
  readonly adminPort: number
}

export function jwtServiceArgs(context: ProgramContext, at: Listening): string[] {
  const { key, cert } = controlIdentity(context, 'athenz-jwt-service')
  const { pki, state } = context
  return [
    `--listen=${loopback(at.port)}`,
    `--admin-listen=${loopback(at.adminPort)}`,
    `--sign-key-dir=${pki.signing.privateDir}`,
    `--secret-name=${SIGNING_KEY}`,
    `--key=${key}`,
    `--cert=${cert}`,
    `--identity-cn=${AGENT}`,
    `--config=${state.clusterConfig}`,
    ...api(context, 'athenz-jwt-service'),
  ]
}

export function callbackArgs(context: ProgramContext, at: Listening): string[] {
  const { key, cert } = controlIdentity(context, 'athenz-callback')
  const { pki, state } = context
  return [
    `--listen=${loopback(at.port)}`,
    `--admin-listen=${loopback(at.adminPort)}`,
    `--sign-pub-dir=${pki.signing.publicDir}`,
    `--secret-name=${SIGNING_KEY}`,
    `--key=${key}`,
    `--cert=${cert}`,
    `--zts-name=${ZTS_NAME}`,
    `--lease-namespace=${LEASES_NAMESPACE}`,
    `--config=${state.clusterConfig}`,
    ...api(context, 'athenz-callback'),
  ]
}

const webhookCertificate = ({ webhookCertificate, pki }: ProgramContext): string[] =>
  webhookCertificate === 'provisioned'
    ? [`--key=${pki.webhook.keyFile}`, `--cert=${pki.webhook.certFile}`]
    : // The one API server reads the bundle anew for each pod.
      ['--bundle-settle=200ms']

export function initializerArgs(context: ProgramContext): string[] {
  const { ports } = context
  return [
    `--listen=${loopback(ports.initializer)}`,
    `--admin-listen=${loopback(ports.initializerAdmin)}`,
    ...webhookCertificate(context),
    `--config-namespace=${ADMIN_NAMESPACE}`,
    `--config-map=${CONFIG_MAP}`,
    '--drain=0s',
    ...api(context, 'athenz-initializer'),
  ]
}

/** Key and certificate that the agent calls the JWT service with. */
export const pairOfAgent = ({ agent, pki }: Pick<ProgramContext, 'agent' | 'pki'>) =>
  agent === 'provisioned'
    ? pki.agent
    : { keyFile: join(agent.identityDir, 'current/service.key'), certFile: join(agent.identityDir, 'current/service.cert') }

const agentIdentity = ({ agent, pki }: ProgramContext): string[] =>
  agent === 'provisioned'
    ? [`--key=${pki.agent.keyFile}`, `--cert=${pki.agent.certFile}`]
    : [`--identity-token-file=${agent.tokenFile}`, `--identity-dir=${agent.identityDir}`]

export function agentArgs(context: ProgramContext, driver: { readonly source: string; readonly target: string }): string[] {
  const { ports, pki, state } = context
  return [
    ...agentIdentity(context),
    `--pod-endpoint=${context.kubelet}`,
    `--kubelet-ca=${pki.kubernetesCaFile}`,
    `--kubelet-token-file=${context.tokenFile('athenz-identity-agent')}`,
    `--jwt-endpoint=https://${loopback(ports.jwtService)}/v1`,
    `--jwt-server-name=athenz-jwt-service.${ADMIN_NAMESPACE}.svc.cluster.local`,
    `--driver-source=${driver.source}`,
    `--driver-target=${driver.target}`,
    `--volumes-dir=${state.volumes}`,
    `--proc-root=${state.procRoot}`,
    `--node-name=${NODE}`,
    `--admin-listen=${loopback(ports.agentAdmin)}`,
    `--config=${state.clusterConfig}`,
    ...api(context, 'athenz-identity-agent'),
    // Refreshers here renew every second.
    '--issue-interval=1s',
    ...(context.ztsTimeout === '' ? [] : [`--zts-timeout=${context.ztsTimeout}`]),
  ]
}
