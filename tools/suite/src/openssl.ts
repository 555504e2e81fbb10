import { execFile, execFileSync } from 'node:child_process'

/** Runs openssl; throws with its words when it does not say yes. */
export const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const TLS_TIMEOUT_MS = 15_000

export interface TlsTalk {
  readonly isVerified: boolean
  /** Both streams. */
  readonly said: string
}

/** A client that is nothing of ours: sends what it is given once the server is verified, and ends when the server does. */
export function opensslClient(input: string, ...args: string[]): Promise<TlsTalk> {
  const { promise, resolve } = Promise.withResolvers<TlsTalk>()
  const options = { encoding: 'utf8', timeout: TLS_TIMEOUT_MS } as const
  const child = execFile('openssl', ['s_client', '-brief', '-ign_eof', '-verify_return_error', ...args], options, (_error, stdout, stderr) => {
    const said = stdout + stderr
    resolve({ isVerified: said.includes('Verification: OK'), said })
  })
  child.stdin?.on('error', () => undefined).end(input)
  return promise
}
