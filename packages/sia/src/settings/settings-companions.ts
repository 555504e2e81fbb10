/** What `athenz-sia` can be told about what runs beside the renewals (`companions.ts`). */
import {
  address,
  duration,
  fail,
  flag,
  type Kind,
  list,
  localAddress,
  oneOf,
  path,
  setting,
  type SettingsOf,
  text,
} from '@pallas/config'

const headerName: Kind<string> = {
  label: 'header name',
  parse: (it) => (/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(it) ? it : fail('must be the name of a header')),
}

const urlPath: Kind<string> = {
  label: 'path of a URL',
  parse: (it) => (/^\/[A-Za-z0-9._~/-]*$/.test(it) ? it : fail('must look like /healthz')),
}

export const companionSettings = {
  tokenServerAddr: setting(localAddress, {
    env: 'TOKEN_SERVER_ADDR',
    doc: 'Where tokens are served to the workload; `init` ignores it.',
  }),
  tokenServerRestApi: setting(flag, {
    default: 'false',
    env: 'TOKEN_SERVER_REST_API',
    doc: 'Serve `POST /accesstoken` and `POST /roletoken`.',
  }),
  useTokenServer: setting(flag, {
    default: 'false',
    env: 'USE_TOKEN_SERVER',
    doc: 'Serve cached tokens to requests that name domain and role in headers.',
  }),
  tokenServerTimeout: setting(duration({ min: '1ms', max: '10m' }), {
    default: '3s',
    env: 'TOKEN_SERVER_TIMEOUT',
    doc: 'How long the token server may take for one answer.',
  }),
  tokenServerTlsCaPath: setting(path, {
    env: 'TOKEN_SERVER_TLS_CA_PATH',
    doc: 'Authorities of the clients that the token server takes, PEM; unset: it asks for no client certificate.',
  }),
  tokenServerTlsCertPath: setting(path, {
    env: 'TOKEN_SERVER_TLS_CERT_PATH',
    doc: 'Certificate of the token server, PEM; with the key: it serves TLS.',
  }),
  tokenServerTlsKeyPath: setting(path, {
    env: 'TOKEN_SERVER_TLS_KEY_PATH',
    doc: 'Private key of the token server, PEM.',
  }),
  roleAuthHeader: setting(headerName, {
    default: 'Athenz-Role-Auth',
    env: 'ROLE_AUTH_HEADER',
    doc: 'Header in which the token server answers role tokens.',
  }),
  metricsServerAddr: setting(address, {
    env: 'METRICS_SERVER_ADDR',
    doc: 'Where `/metrics` is served, `:port` on every address; `init` ignores it.',
  }),
  healthCheckAddr: setting(address, {
    env: 'HEALTH_CHECK_ADDR',
    doc: 'Where health is served, `:port` on every address: probes come from outside; `init` ignores it.',
  }),
  healthCheckEndpoint: setting(urlPath, {
    default: '/healthz',
    env: 'HEALTH_CHECK_ENDPOINT',
    doc: 'Path at which health is served.',
  }),
  shutdownTimeout: setting(duration({ max: '1h' }), {
    default: '5s',
    env: 'SHUTDOWN_TIMEOUT',
    doc: 'How long requests that are being served may take to finish at the end.',
  }),
  shutdownDelay: setting(duration({ max: '1h' }), {
    default: '0s',
    env: 'SHUTDOWN_DELAY',
    doc: 'How long the token server goes on after it was asked to stop.',
  }),
  hookCommand: setting(list(text), {
    default: '',
    doc: 'Program and its arguments, run without a shell whenever files were put in place; `init` ignores it.',
  }),
  hookSignal: setting(oneOf('SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTERM'), {
    doc: 'Signal for the process in `--hook-pid-file` whenever files were put in place; `init` ignores it.',
  }),
  hookPidFile: setting(path, { doc: 'File with the number of the process to signal, read anew each time.' }),
  hookTimeout: setting(duration({ min: '100ms', max: '1h' }), {
    default: '30s',
    doc: 'How long the command of the hook may run.',
  }),
}

type CompanionSettings = SettingsOf<{ name: string; envPrefix: string; summary: string; schema: typeof companionSettings }>

type ModeAndCompanions = CompanionSettings & { readonly mode: 'init' | 'refresh' }

/** Whether something is to run beside the renewals. `init` has none: it may share its environment with a refresher. */
export const asksForCompanions = (settings: ModeAndCompanions): boolean =>
  settings.mode === 'refresh' && namesCompanions(settings)

/** Whether the settings name any, used or not. */
export const namesCompanions = (settings: CompanionSettings): boolean =>
  namesServer(settings) || settings.hookCommand.length > 0 || settings.hookSignal !== undefined

export const namesServer = (it: CompanionSettings): boolean =>
  [it.tokenServerAddr, it.metricsServerAddr, it.healthCheckAddr].some((address) => address !== undefined)

/** One sentence for each combination that cannot be meant. */
export function checkCompanions(settings: CompanionSettings): string[] {
  const { tokenServerAddr, tokenServerRestApi, useTokenServer, hookCommand, hookSignal, hookPidFile } = settings
  const { tokenServerTlsCaPath: ca, tokenServerTlsCertPath: cert, tokenServerTlsKeyPath: key } = settings
  const problems: readonly (readonly [boolean, string])[] = [
    [
      tokenServerAddr !== undefined && !tokenServerRestApi && !useTokenServer,
      '--token-server-addr needs --token-server-rest-api or --use-token-server',
    ],
    [
      tokenServerAddr === undefined && (tokenServerRestApi || useTokenServer),
      '--token-server-rest-api and --use-token-server need --token-server-addr',
    ],
    [
      (cert === undefined) !== (key === undefined),
      '--token-server-tls-cert-path and --token-server-tls-key-path go together',
    ],
    [ca !== undefined && cert === undefined, '--token-server-tls-ca-path needs --token-server-tls-cert-path'],
    [(hookSignal === undefined) !== (hookPidFile === undefined), '--hook-signal and --hook-pid-file go together'],
    [
      hookCommand.length > 0 && !/^\/[^\0]+$/.test(hookCommand[0] ?? ''),
      '--hook-command must begin with the absolute path of a program',
    ],
  ]
  return problems.filter(([isBroken]) => isBroken).map(([, sentence]) => sentence)
}
