/** What `athenz-sia` asks of ZTS itself, as its settings say. */
import { type Host, HostError } from '@pallas/host'
import type { Tokens } from '../companions.ts'
import { outputPathsOf } from '../settings/layout.ts'
import type { Log } from '../log.ts'
import type { SetRenewable } from '../loop/renewable.ts'
import { clientOf, createFetchRoles, type FetchRoles } from '../identity/roles.ts'
import { callTimeout } from '../settings/settings-common.ts'
import { type SiaSettings, ztsOf } from '../settings/settings.ts'
import { TokenCache } from '../tokens/cache.ts'
import { createZtsCall, unavailable } from './call.ts'
import { createMemberCalls, type MemberCalls } from './member-calls.ts'

const MAX_CA_BYTES = 1024 * 1024

/** Undefined where the settings name no ZTS. */
export function memberCallsOf(
  settings: SiaSettings,
  { files, http, clock }: Pick<Host, 'files' | 'http' | 'clock'>,
): MemberCalls | undefined {
  const endpoint = ztsOf(settings)
  if (endpoint === undefined || settings.serverCaCert === '') return undefined
  const caPem = async () => {
    try {
      return new TextDecoder().decode(await files.read(settings.serverCaCert, MAX_CA_BYTES))
    } catch (cause) {
      if (cause instanceof HostError) throw unavailable('the authorities of zts cannot be read', {}, { cause })
      throw cause
    }
  }
  const call = createZtsCall({ http, endpoint, timeoutMs: callTimeout(settings) })
  return createMemberCalls({ call, caPem, now: () => clock.now() })
}

/** Undefined where no role certificate is asked for. */
export function fetchRolesOf(
  settings: SiaSettings,
  zts: MemberCalls | undefined,
  host: Pick<Host, 'keys' | 'clock'>,
): FetchRoles | undefined {
  const names = (outputPathsOf(settings).roles ?? []).map(({ name }) => name)
  if (zts === undefined || names.length === 0) return undefined
  return createFetchRoles({ names, zts, intermediates: settings.intermediateCertBundle, host })
}

export interface CacheDeps {
  readonly host: Pick<Host, 'clock'>
  readonly log: Log
  readonly zts: MemberCalls
  /** Whose identity asks. */
  readonly certificate: Pick<SetRenewable, 'newest'>
}

export function createCache(settings: SiaSettings, deps: CacheDeps, signal: AbortSignal): TokenCache {
  const { zts, host, log, certificate } = deps
  const client = () => {
    const newest = certificate.newest()
    return newest && clientOf(newest)
  }
  const onFailure = (err: unknown) => log.warn({ err }, 'a token that somebody asked for could not be renewed')
  const options = { zts, clock: host.clock, client, refreshIntervalMs: settings.tokenRefreshInterval, onFailure }
  return new TokenCache(options, signal)
}

const noZts = () => Promise.reject(unavailable('no zts is set', {}))
/** Where there is no ZTS. */
export const NO_TOKENS: Tokens = {
  accessToken: noZts,
  roleToken: noZts,
  cached: () => ({}),
  held: () => ({ 'access-token': { entries: 0, bytes: 0 }, 'role-token': { entries: 0, bytes: 0 } }),
}
