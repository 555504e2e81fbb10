/** The tokens that the settings ask for: each renewed before it grows old, in its file or in memory alone. */
import { type Due, DUE_NOW, type Lifetime, type Renewable, renewAt } from '@pallas/credentials'
import { type Clock, type Files, HostError } from '@pallas/host'
import { livesTooLong } from '../loop/longest.ts'
import type { WantedToken } from '../settings/layout.ts'
import type { Log } from '../log.ts'
import type { Output } from '../output/output.ts'
import { createPinnedReader } from '../output/read-credentials.ts'
import type { TokenCache } from './cache.ts'
import type { HeldToken, Wish } from './entry.ts'
import { isTokenText, lifeOfToken } from './life.ts'

export interface WantedTokenDeps {
  readonly cache: TokenCache
  readonly output: Pick<Output, 'publishToken'>
  readonly clock: Clock
  readonly log: Log
  readonly files: Files
  readonly refreshIntervalMs: number
  /** 0: what ZTS gives. */
  readonly expiryMs: number
  readonly onRenewed: (token: WantedToken, life: Lifetime, isNew: boolean) => void
  readonly onFailed: (token: WantedToken, error: unknown) => void
}

export interface TokenRenewable extends Renewable {
  readonly name: string
  /** Whether the file holds a token that still lives; also when none is wanted in a file. */
  isThere(): Promise<boolean>
}

export function createWantedToken(wanted: WantedToken, deps: WantedTokenDeps): TokenRenewable {
  const { cache, output, clock, log, files, refreshIntervalMs, onRenewed, onFailed } = deps
  const wish = wishOf(wanted, deps.expiryMs)
  let isFirst = true
  /** Got, but the disk did not take it. */
  let unwritten: HeldToken | undefined

  const dueOf = (life: Lifetime, since: number): Due => {
    const at = renewAt(life, { first: isFirst, maxIntervalMs: refreshIntervalMs, since }, clock.random())
    isFirst = false
    return { serial: wanted.name, life, at }
  }
  const onDisk = async (): Promise<{ readonly text: string; readonly life: Lifetime } | undefined> => {
    if (wanted.path === '') return undefined
    const text = await textOrNothing(wanted.path, files)
    const life = isTokenText(text) ? lifeOfToken(wanted.kind, text) : undefined
    const now = clock.now()
    return life === undefined || life.notAfter <= now || livesTooLong(life, now) ? undefined : { text, life }
  }
  const write = async (token: HeldToken) => {
    if (wanted.path === '') return
    unwritten = token
    await output.publishToken(wanted.path, token.text)
    unwritten = undefined
  }

  return {
    name: wanted.name,
    isThere: async () => wanted.path === '' || (await onDisk()) !== undefined,
    due: async () => {
      const found = await onDisk()
      if (found === undefined) return DUE_NOW
      cache.adopt(wish, { text: found.text, expiresAt: found.life.notAfter })
      onRenewed(wanted, found.life, false)
      return dueOf(found.life, found.life.notBefore)
    },
    renew: async (signal) => {
      try {
        if (unwritten !== undefined && unwritten.expiresAt <= clock.now()) unwritten = undefined
        const token = unwritten ?? (await cache.renewed(wish, signal))
        await write(token)
        const life = { notBefore: clock.now(), notAfter: token.expiresAt }
        const due = dueOf(life, clock.now())
        onRenewed(wanted, life, true)
        log.info({ name: wanted.name, path: wanted.path, notAfter: life.notAfter, renewAt: due.at }, 'token renewed')
        return due
      } catch (error) {
        if (!(error instanceof HostError)) unwritten = undefined
        if (!signal.aborted) onFailed(wanted, error)
        throw error
      }
    },
  }
}

/** What cannot be read, or is not ours, is replaced. */
async function textOrNothing(path: string, files: Files): Promise<string> {
  try {
    return await createPinnedReader(files)(path)
  } catch (error) {
    if (error instanceof HostError) return ''
    throw error
  }
}

function wishOf({ kind, target: { domain, role } }: WantedToken, expiryMs: number): Wish {
  const roles = role === undefined ? [] : [role]
  const seconds = expiryMs / 1_000
  if (kind === 'access-token') {
    return { kind, wish: { domain, roles, ...(seconds === 0 ? {} : { expirySeconds: seconds }) } }
  }
  return { kind, wish: { domain, roles, ...(seconds === 0 ? {} : { minExpirySeconds: seconds }) } }
}
