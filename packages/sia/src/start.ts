import type { CredentialSet, Lifetime, OutputPaths } from '@pallas/credentials'
import { type Host, HostError, type HttpPeer } from '@pallas/host'
import { parseNToken } from '@pallas/identity'
import { createAgentClient } from '@pallas/wire'
import { createFetchForAgentKey, createFetchForOwnKey } from './fetch.ts'
import type { Log } from './log.ts'
import { runInit, runRefresh } from './modes.ts'
import { createOutput } from './output.ts'
import { present } from './presence.ts'
import { readCredentials } from './read-credentials.ts'
import { createRenewable } from './renewable.ts'
import { callTimeout } from './settings-common.ts'
import type { SiaSettings } from './settings.ts'

export interface SiaDeps {
  readonly host: Pick<Host, 'files' | 'keys' | 'clock' | 'http'>
  readonly log: Log
}

/** Resolves when the credentials are there (`init`) or when it was asked to stop (`refresh`). */
export async function startSia(settings: SiaSettings, { host, log }: SiaDeps, signal: AbortSignal): Promise<void> {
  const { clock, files } = host
  const paths = pathsOf(settings)
  const to = peerOf(settings.endpoint)
  const isInit = settings.mode === 'init'
  const agent = createAgentClient({ http: host.http, to, timeoutMs: callTimeout(settings) })
  const output = createOutput({
    paths,
    host,
    onLeftover: (err) => log.warn({ err }, 'an old generation stays behind'),
    onUnusable: (err) => log.warn({ err }, 'what is on disk does not count'),
  })
  const isOwnKey = settings.keyOrigin === 'pod'
  const fetch = (isOwnKey ? createFetchForOwnKey : createFetchForAgentKey)({ agent, host, idFile: settings.idFile })
  // With a key made here any earlier certificate makes it a renewal; a pair that is shown to the agent must be good.
  const held = async () => (isOwnKey ? anyOf(paths, host) : (await output.current())?.set)
  const certificate = createRenewable({
    clock,
    log,
    output,
    fetch: async (signal) => fetch(isInit ? undefined : await held(), signal),
    current: () => output.current(),
    otherLives: tokenLife,
    maxIntervalMs: settings.refreshInterval,
  })
  if (!isInit) return runRefresh([certificate], { clock, log }, signal)

  const awaited = [settings.idFile, ...(to.kind === 'unix' ? [to.socketPath] : [])]
  const onWait = (path: string) => log.info({ path }, 'waiting for the identity volume')
  await present(awaited, { files, clock, timeoutMs: settings.socketTimeout, onWait }, signal)
  return runInit(certificate, { clock, log, timeoutMs: settings.initTimeout }, signal)
}

const pathsOf = (settings: SiaSettings): OutputPaths => ({
  key: settings.outKey,
  cert: settings.outCert,
  caCert: settings.outCaCert,
  ntoken: settings.outNtoken,
  bundle: settings.outBundle,
})

const peerOf = (endpoint: SiaSettings['endpoint']): HttpPeer =>
  endpoint.kind === 'unix' ? { kind: 'unix', socketPath: endpoint.path } : endpoint

/** ZTS signed the token, so only a renewal of the set brings another. */
function tokenLife({ ntoken = '' }: CredentialSet): readonly Lifetime[] {
  const claims = parseNToken(ntoken)?.claims
  return claims === undefined ? [] : [{ notBefore: claims.issuedAt * 1_000, notAfter: claims.expiresAt * 1_000 }]
}

async function anyOf(paths: OutputPaths, { files }: SiaDeps['host']): Promise<CredentialSet | undefined> {
  try {
    const set = await readCredentials(paths, files)
    return set.certPem === '' ? undefined : set
  } catch (error) {
    if (error instanceof HostError) return undefined
    throw error
  }
}
