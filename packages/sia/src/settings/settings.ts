import {
  duration,
  endpoint,
  type Endpoint,
  integer,
  type Kind,
  oneOf,
  path,
  program as define,
  setting,
  type SettingsOf,
  url,
} from '@pallas/config'
import { allOf } from '@pallas/credentials'
import { SOCKET_PATH_LIMIT } from '@pallas/wire'
import { type LayoutSettings, outputPathsOf, wantedTokensOf } from './layout.ts'
import { athenzSettings, checkAthenz } from './settings-athenz.ts'
import { checkOutputs, common, mode, refreshInterval } from './settings-common.ts'
import { checkCompanions, companionSettings } from './settings-companions.ts'
import { fileSettings } from './settings-files.ts'

const AGENT = 'unix:///identity/connect/agent.sock'

type AgentOrZts = Endpoint | { readonly kind: 'zts'; readonly url: string }

/** The agent, as the original has it, or ZTS, as k8s-athenz-sia has it: the scheme decides. */
const agentOrZts: Kind<AgentOrZts> = {
  label: `${endpoint.label}, or the https:// URL of ZTS`,
  parse: (it) =>
    it.startsWith('https:') ? { kind: 'zts', url: url({ protocols: ['https'] }).parse(it) } : endpoint.parse(it),
}

/** `athenz-sia`: runs in a pod, beside the workload. */
export const program = define({
  name: 'athenz-sia',
  envPrefix: 'SIA',
  summary: 'Writes the identity of the pod it runs in to files, once or for ever.',
  schema: {
    ...common,
    mode: setting(mode.kind, { ...mode.rest, aliases: ['MODE'] }),
    idFile: setting(path, { default: '/identity/id', env: 'ID_FILE', doc: 'File with the handle of the volume.' }),
    endpoint: setting(agentOrZts, {
      default: AGENT,
      env: 'ENDPOINT',
      doc: 'Where the identity agent listens. With `https://` it is ZTS, and the agent is at its usual place.',
    }),
    socketTimeout: setting(duration(), {
      default: '30s',
      doc: 'How long to wait for an id file or a socket that is not there yet.',
    }),
    delayJitterSeconds: setting(integer({ max: 86_400 }), {
      default: '0',
      env: 'DELAY_JITTER_SECONDS',
      doc: 'Begin after a random time of at most so many seconds.',
    }),
    keyOrigin: setting(oneOf('pod', 'agent'), {
      default: 'pod',
      doc: 'Who makes the private key: this program, or the agent as in the original suite.',
    }),
    refreshInterval: setting(duration({ min: '1s' }), refreshInterval),
    ...fileSettings,
    ...athenzSettings,
    ...companionSettings,
  },
  check: (settings) => [
    ...checkEndpoints(settings),
    ...(settings.outKey.length === 0 ? ['--out-key names no file'] : []),
    ...(settings.outCert.length === 0 ? ['--out-cert names no file'] : []),
    ...checkOutputs(filesOf(settings)),
    ...checkAthenz(settings, {
      mode: settings.mode,
      zts: ztsOf(settings),
      servesTokens: settings.tokenServerAddr !== undefined,
    }),
    ...checkCompanions(settings),
  ],
})

export type SiaSettings = SettingsOf<typeof program>

interface Endpoints {
  readonly endpoint: AgentOrZts
  readonly ztsEndpoint: string | undefined
}

export const agentOf = ({ endpoint: it }: Pick<Endpoints, 'endpoint'>): Endpoint => (it.kind === 'zts' ? endpoint.parse(AGENT) : it)

/** Undefined: ZTS is never asked. */
export const ztsOf = ({ endpoint: it, ztsEndpoint }: Endpoints): string | undefined =>
  ztsEndpoint ?? (it.kind === 'zts' ? it.url : undefined)

function checkEndpoints({ endpoint: it, ztsEndpoint }: Endpoints): string[] {
  const isLong = it.kind === 'unix' && new TextEncoder().encode(it.path).length > SOCKET_PATH_LIMIT
  const isTwice = it.kind === 'zts' && ztsEndpoint !== undefined && ztsEndpoint !== it.url
  return [
    ...(isLong ? [`--endpoint names a socket whose path is longer than ${SOCKET_PATH_LIMIT} bytes`] : []),
    ...(isTwice ? ['--endpoint and --zts-endpoint name different ZTS'] : []),
  ]
}

/** Each file that is written, with the flag that asks for it. */
function filesOf(settings: LayoutSettings): [string, string][] {
  const { key, cert, caCert = '', ntoken = '', bundle = '', roles = [] } = outputPathsOf(settings)
  return [
    ['out-ntoken', ntoken],
    ...allOf(key).map((path): [string, string] => ['out-key', path]),
    ...allOf(cert).map((path): [string, string] => ['out-cert', path]),
    ['out-ca-cert', caCert],
    ['out-bundle', bundle],
    ...roles.flatMap((it): [string, string][] => [
      [settings.rolecertDir === '' ? 'role-cert-naming-format' : 'rolecert-dir', it.cert],
      [settings.rolecertDir === '' ? 'role-cert-key-naming-format' : 'rolecert-dir', it.key ?? ''],
    ]),
    ...wantedTokensOf(settings).map(({ kind, path }): [string, string] => [
      settings.tokenDir === '' ? `${kind}-naming-format` : 'token-dir',
      path,
    ]),
  ]
}
