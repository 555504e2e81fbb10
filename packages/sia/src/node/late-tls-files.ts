/**
 * TLS files that somebody has still to write, maybe this program itself. Whoever serves with them listens meanwhile, so that
 * nobody else in the pod takes the port and answers in its place: every handshake fails, for there is no certificate to show.
 */
import type { Clock } from '@pallas/host'
import { ServiceError, type TlsFiles, type TlsMaterial } from '@pallas/service'

const AGAIN_MS = 1_000

export interface LateTlsFiles extends TlsFiles {
  /** Whether there are any yet. */
  isThere(): boolean
}

export interface LateTlsFilesDeps {
  readonly clock: Pick<Clock, 'sleep'>
  /** Told once for each kind of failure. */
  readonly onWait: (error: unknown) => void
}

/** Without a certificate no handshake succeeds; a root that is none lets no caller in. */
const NOTHING: TlsMaterial = { key: '', cert: '', ca: [''] }

/** Rejects when the files cannot be opened for another reason than what is in them. */
export async function openLateTlsFiles(open: () => Promise<TlsFiles>, deps: LateTlsFilesDeps): Promise<LateTlsFiles> {
  try {
    return { ...(await open()), isThere: () => true }
  } catch (error) {
    if (!isTlsFiles(error)) throw error
    deps.onWait(error)
    return waitFor(open, deps, error)
  }
}

function waitFor(open: () => Promise<TlsFiles>, deps: LateTlsFilesDeps, first: unknown): LateTlsFiles {
  const stop = new AbortController()
  const listeners = new Set<() => void>()
  let files: TlsFiles | undefined
  const waiting = keepTrying(open, { ...deps, told: new Set([messageOf(first)]) }, stop.signal).then((opened) => {
    files = opened
    opened?.onChange(tell)
    if (opened !== undefined) tell()
  })
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    isThere: () => files !== undefined,
    current: () => files?.current() ?? NOTHING,
    notAfter: () => files?.notAfter() ?? 0,
    isUnusable: () => files?.isUnusable() ?? true,
    reload: () => files?.reload() ?? Promise.resolve(),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await waiting
      await files?.[Symbol.asyncDispose]()
    },
  }
}

/** Undefined when it was stopped before. */
async function keepTrying(open: () => Promise<TlsFiles>, { clock, onWait, told }: LateTlsFilesDeps & { readonly told: Set<string> }, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      await clock.sleep(AGAIN_MS, signal)
      return await open()
    } catch (error) {
      if (signal.aborted) return undefined
      if (!told.has(messageOf(error))) onWait(error)
      told.add(messageOf(error))
    }
  }
  return undefined
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

const isTlsFiles = (error: unknown): boolean => error instanceof ServiceError && error.code === 'SERVICE_TLS_FILES'
