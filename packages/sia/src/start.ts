import { ConfigError } from '@pallas/config'
import type { CredentialSet } from '@pallas/credentials'
import { type Host, HostError, type HttpPeer } from '@pallas/host'
import { type AgentClient, createAgentClient } from '@pallas/wire'
import { createCache, fetchRolesOf, memberCallsOf, NO_TOKENS } from './zts/asked-of-zts.ts'
import type { CompanionHome, Companions } from './companions.ts'
import { createFetchForAgentKey, createFetchForOwnKey } from './identity/fetch.ts'
import { outputPathsOf, wantedTokensOf } from './settings/layout.ts'
import type { Log } from './log.ts'
import { runInit, runRefresh } from './loop/modes.ts'
import { createOutput, type Output } from './output/output.ts'
import { allOnce, isGoodEnough, namesOfNow } from './loop/once.ts'
import { present } from './identity/presence.ts'
import { livesOf } from './identity/principal-token.ts'
import { readCredentials } from './output/read-credentials.ts'
import { createRenewable, type SetRenewable } from './loop/renewable.ts'
import { createReport, type Report } from './report/report.ts'
import type { FetchRoles } from './identity/roles.ts'
import { asksForCompanions, namesCompanions } from './settings/settings-companions.ts'
import { callTimeout } from './settings/settings-common.ts'
import { agentOf, type SiaSettings } from './settings/settings.ts'
import type { TokenCache } from './tokens/cache.ts'
import { createWantedToken } from './tokens/wanted.ts'

export interface SiaDeps {
  readonly host: Pick<Host, 'files' | 'keys' | 'clock' | 'http'>
  readonly log: Log
  /** Without it the settings that ask for a companion are refused. */
  readonly companions?: CompanionHome | undefined
}

/** Resolves when everything asked for is there (`init`) or when it was asked to stop (`refresh`). */
export async function startSia(settings: SiaSettings, deps: SiaDeps, signal: AbortSignal): Promise<void> {
  const { host, log, companions: home } = deps
  const { clock } = host
  refuseUnfit(settings, home)
  if ((await beginLate(settings, clock, signal)) === 'stopped') return

  const report = createReport(settings)
  const parts = createParts(settings, { host, log, report }, signal)
  const { certificate, cache, tokens, output, agent } = parts
  await using _ = await startBeside(settings, { home, report, cache, clock, log }, signal)
  if (settings.mode === 'refresh') {
    const beside = cache === undefined ? [] : [(until: AbortSignal) => cache.keep(until)]
    return await runRefresh([certificate, ...tokens], { clock, log, beside }, signal)
  }
  const wanted = tokens.filter(({ isInFile }) => isInFile)
  try {
    await waitForVolume(settings, { host, log }, signal)
    const tell = (err: unknown, name: string) => log.warn({ err, name }, 'a token could not be had')
    await runInit(allOnce(certificate, wanted, tell), { clock, log, timeoutMs: settings.initTimeout }, signal)
  } catch (err) {
    const { idFile } = settings
    if (!(await isGoodEnough(err, { agent, idFile, host, output, tokens: wanted }, signal))) throw err
    log.warn({ err }, 'nothing new could be had, what is there still serves')
  }
}

async function beginLate(
  { delayJitterSeconds, mode }: SiaSettings,
  clock: Host['clock'],
  signal: AbortSignal,
): Promise<'begun' | 'stopped'> {
  if (delayJitterSeconds === 0) return 'begun'
  try {
    await clock.sleep(clock.random() * delayJitterSeconds * 1_000, signal)
    return 'begun'
  } catch (error) {
    // Whoever stops a refresher gets what was asked for; an init has not done its work.
    if (mode === 'refresh' && signal.aborted) return 'stopped'
    throw error
  }
}

function refuseUnfit(settings: SiaSettings, home: CompanionHome | undefined): void {
  const missing = asksForCompanions(settings) ? ['this home has no servers and no hooks'] : []
  const problems = home === undefined ? missing : home.unfit(settings)
  if (problems.length > 0) throw new ConfigError(problems)
}

interface PartsDeps extends Pick<SiaDeps, 'host' | 'log'> {
  readonly report: Report
}

function createParts(settings: SiaSettings, { host, log, report }: PartsDeps, signal: AbortSignal) {
  const { clock, files } = host
  const agent = createAgentClient({ http: host.http, to: peerOf(settings), timeoutMs: callTimeout(settings) })
  const wantedTokens = wantedTokensOf(settings)
  const output = createOutput({
    paths: outputPathsOf(settings),
    tokenPaths: wantedTokens.map(({ path }) => path).filter((path) => path !== ''),
    host,
    onLeftover: (err) => log.warn({ err }, 'an old generation stays behind'),
    onUnusable: (err) => log.warn({ err }, 'what is on disk does not count'),
  })
  const zts = memberCallsOf(settings, host)
  const roles = fetchRolesOf(settings, zts, host)
  const first = Promise.withResolvers<void>()
  const certificate = createCertificate(settings, { host, log, report, agent, output, roles, onIdentity: first.resolve }, signal)
  const cache = zts && createCache(settings, { zts, host, log, certificate }, signal)
  const tokens = wantedTokens.map((wanted) => {
    const { tokenRefreshInterval: refreshIntervalMs, tokenExpiry: expiryMs } = settings
    const times = { refreshIntervalMs, expiryMs }
    const { tokenRenewed: onRenewed, tokenFailed: onFailed } = report
    if (cache === undefined) throw new TypeError('tokens need a zts')
    const token = createWantedToken(wanted, { cache, output, clock, log, files, ...times, onRenewed, onFailed })
    // Without an identity there is nobody to ask as.
    return { ...token, isInFile: wanted.path !== '', due: () => first.promise.then(() => token.due()) }
  })
  return { agent, output, certificate, cache, tokens }
}

interface CertificateDeps extends PartsDeps {
  readonly agent: AgentClient
  readonly output: Output
  readonly roles: FetchRoles | undefined
  readonly onIdentity: () => void
}

function createCertificate(settings: SiaSettings, deps: CertificateDeps, signal: AbortSignal): SetRenewable {
  const { host, log, report, agent, output, roles, onIdentity } = deps
  const isInit = settings.mode === 'init'
  const isOwnKey = settings.keyOrigin === 'pod'
  const { idFile } = settings
  const current = async () => {
    const found = await output.current()
    if (found === undefined || (await namesOfNow(found, { agent, idFile, host }, signal)) !== 'other') return found
    log.warn({ serial: found.leaf.serial }, 'what is on disk has other names than this pod')
    return undefined
  }
  const fetch = (isOwnKey ? createFetchForOwnKey : createFetchForAgentKey)({ agent, host, idFile })
  // With a key made here any earlier certificate makes it a renewal; a pair that is shown to the agent must be good.
  const held = async () => (isOwnKey ? anyOf(settings, host) : (await output.current())?.set)
  return createRenewable({
    clock: host.clock,
    log,
    output,
    fetch: async (signal) => fetch(isInit ? undefined : await held(), signal),
    ...(roles === undefined ? {} : { roles: { fetch: roles, mayWait: !isInit } }),
    current,
    // ZTS signed the token, so only a renewal of the set brings another.
    otherLives: ({ ntoken = '' }) => livesOf(ntoken),
    maxIntervalMs: settings.refreshInterval,
    onIdentity,
    onPublished: report.setPublished,
    onFailed: report.setFailed,
  })
}

interface BesideDeps extends Pick<SiaDeps, 'log'> {
  readonly home: CompanionHome | undefined
  readonly report: Report
  readonly cache: TokenCache | undefined
  readonly clock: Host['clock']
}

async function startBeside(
  settings: SiaSettings,
  { home, report, cache, clock, log }: BesideDeps,
  signal: AbortSignal,
): Promise<Companions | undefined> {
  if (home === undefined || !asksForCompanions(settings)) {
    if (namesCompanions(settings)) log.info({}, 'servers and hooks are for a refresher: none is started')
    return undefined
  }
  const tokens = cache ?? NO_TOKENS
  const companions = await home.start(settings, { clock, log, tokens, members: report.members }, signal)
  report.tell(companions)
  return companions
}

async function waitForVolume(
  settings: SiaSettings,
  { host: { files, clock }, log }: Pick<SiaDeps, 'host' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const to = peerOf(settings)
  const awaited = [settings.idFile, ...(to.kind === 'unix' ? [to.socketPath] : [])]
  const onWait = (path: string) => log.info({ path }, 'waiting for the identity volume')
  await present(awaited, { files, clock, timeoutMs: settings.socketTimeout, onWait }, signal)
}

function peerOf(settings: SiaSettings): HttpPeer {
  const agent = agentOf(settings)
  return agent.kind === 'unix' ? { kind: 'unix', socketPath: agent.path } : agent
}

async function anyOf(settings: SiaSettings, { files }: SiaDeps['host']): Promise<CredentialSet | undefined> {
  try {
    const set = await readCredentials(outputPathsOf(settings), files)
    return set.certPem === '' ? undefined : set
  } catch (error) {
    if (error instanceof HostError) return undefined
    throw error
  }
}
