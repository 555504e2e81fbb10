/** Bearer tokens. A projected service account token is renewed in its file by the kubelet: it is read repeatedly. */
import { open } from 'node:fs/promises'
import type { Clock } from '@pallas/host'
import { KubernetesError } from './error.ts'

/** The token to send now. `fresh`: the last one was refused, so no cache. */
export type TokenSource = (options?: { readonly fresh?: boolean }) => Promise<string>

export interface FileTokenOptions {
  readonly path: string
  readonly clock: Pick<Clock, 'monotonic'>
  /** How long a token read is used without looking again; at most, and by default, a minute. */
  readonly cacheMs?: number
}

const CACHE_LIMIT_MS = 60_000
const TOKEN_LIMIT_BYTES = 64 * 1024
const HEADER_SAFE = /^[\x21-\x7e]+$/

/** Reads the file at the first call. A file that cannot be used is `KUBE_UNAUTHORIZED`. */
export function fileToken({ path, clock, cacheMs = CACHE_LIMIT_MS }: FileTokenOptions): TokenSource {
  const life = Math.min(cacheMs, CACHE_LIMIT_MS)
  let known: { readonly token: string; readonly until: number } | undefined
  return async ({ fresh = false } = {}) => {
    if (!fresh && known !== undefined && clock.monotonic() < known.until) return known.token
    const token = await read(path)
    known = { token, until: clock.monotonic() + life }
    return token
  }
}

/** Runs `attempt` with the token; once more when it is refused (401) and the source has another one by now. */
export async function withBearer<T extends { readonly status: number }>(
  token: TokenSource,
  attempt: (authorization: string) => Promise<T>,
): Promise<T> {
  const first = await token()
  const answer = await attempt(`Bearer ${first}`)
  if (answer.status !== 401) return answer
  const second = await token({ fresh: true })
  return second === first ? answer : attempt(`Bearer ${second}`)
}

async function read(path: string): Promise<string> {
  const text = await readBounded(path).catch((cause: unknown) => {
    throw new KubernetesError('KUBE_UNAUTHORIZED', 'the token file cannot be read', { cause, fields: { path } })
  })
  const token = text.trim()
  if (HEADER_SAFE.test(token)) return token
  throw new KubernetesError('KUBE_UNAUTHORIZED', 'the token file holds no token', { fields: { path } })
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path, 'r')
  const { bytesRead, buffer } = await file.read(Buffer.alloc(TOKEN_LIMIT_BYTES), 0, TOKEN_LIMIT_BYTES, 0)
  return buffer.toString('utf8', 0, bytesRead)
}
