/**
 * The static home's door for whoever holds its pipes: the contract suite. With a call in `argv` it answers that one and
 * ends, which is how a caller asks that cannot wait. With `wait` it waits to be stopped, with `break` it breaks.
 */
import { type Host, HostError, type Invocation, type PrivateKey } from '@pallas/host'
import { native } from '../native.ts'
import { start } from '../start.ts'
import { breakBy } from './ways-to-break.ts'
import { type Asked, fromWire, type Mark, type ThrownError, toWire } from './wire.ts'

interface TestNative {
  onLine(callback: (line: string) => void): void
  umask(mask: number): number
}

const pipe = native as unknown as TestNative

/** What the prelude supplies, beside the parts of the door. */
const TEXT = {
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array, fatal: boolean) => new TextDecoder('utf-8', { fatal }).decode(bytes),
}

class Door {
  readonly #host: Host
  readonly #invocation: Invocation
  readonly #signals = new Map<number, AbortController>()
  readonly #locks = new Map<number, AsyncDisposable>()
  readonly #keys = new Map<number, PrivateKey>()
  #next = 0

  constructor(host: Host, invocation: Invocation) {
    this.#host = host
    this.#invocation = invocation
  }

  async serve(line: string): Promise<void> {
    const asked = JSON.parse(line) as Asked
    if ('umask' in asked) pipe.umask(asked.umask)
    else if ('abort' in asked) this.#signal(asked.abort).abort(new Error(asked.reason))
    else if ('dispose' in asked) await this.#locks.get(asked.dispose)?.[Symbol.asyncDispose]()
    else if ('key' in asked) await this.#answer(asked.id, () => this.#keys.get(asked.key)?.sign(this.#value(asked.data) as Uint8Array))
    else await this.#answer(asked.id, () => this.call(asked.call, asked.args.map((each) => this.#value(each))))
  }

  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    const [part = '', method = ''] = name.split('.')
    const parts = { ...this.#host, text: TEXT } as unknown as Record<string, Record<string, (...args: readonly unknown[]) => unknown>>
    const methods = parts[part]
    return this.#marked(await methods?.[method]?.(...args))
  }

  async #answer(id: number, call: () => unknown): Promise<void> {
    const answered = await Promise.resolve().then(call).then(
      (value) => ({ id, value: toWire(value) }),
      (error: unknown) => ({ id, error: thrown(error) }),
    )
    this.#invocation.out(`${JSON.stringify(answered)}\n`)
  }

  /** What cannot leave stays here under a number. */
  #marked(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Symbol.asyncDispose in value) return this.#kept('lock', this.#locks, value as AsyncDisposable, {})
    if (!('sign' in value)) return value
    const key = value as PrivateKey
    return this.#kept('key', this.#keys, key, { algorithm: key.algorithm, pem: key.pem, spki: key.spki })
  }

  #kept<T>(kind: Mark['$'], kept: Map<number, T>, value: T, facts: Record<string, unknown>): Mark {
    kept.set(++this.#next, value)
    return { $: kind, number: this.#next, ...facts }
  }

  #value(wire: unknown): unknown {
    return fromWire(wire, (mark) => (mark.$ === 'signal' ? this.#signal(mark.number).signal : mark))
  }

  #signal(number: number): AbortController {
    const known = this.#signals.get(number) ?? new AbortController()
    this.#signals.set(number, known)
    return known
  }
}

const thrown = (error: unknown): ThrownError => {
  if (error instanceof HostError) return { name: error.name, message: error.message, code: error.code, fields: error.fields }
  return error instanceof Error ? { name: error.name, message: error.message } : { name: 'unknown', message: String(error) }
}

/** Until it is stopped, in one of the ways there are to wait; then says why. */
async function waitFor(socketPath: string, { clock, http }: Host, invocation: Invocation): Promise<number> {
  const { signal } = invocation
  const request = { to: { kind: 'unix', socketPath }, method: 'GET', path: '/', timeoutMs: 600_000, maxBytes: 0 } as const
  const waiting = socketPath === '' ? clock.sleep(600_000, signal) : http.exchange(request, signal)
  invocation.out('ready\n')
  await waiting.catch((reason: unknown) => invocation.out(`${String(reason)}\n`))
  // For the second signal to find it waiting, with nobody to ask it to stop.
  if (socketPath === '') await clock.sleep(600_000)
  return 3
}

start(async (host, invocation) => {
  const door = new Door(host, invocation)
  const [call, ...args] = invocation.argv
  if (call === 'break') await breakBy(args[0] ?? '')
  if (call === 'wait') return await waitFor(args[0] ?? '', host, invocation)
  if (call !== undefined) {
    const values = args.map((each) => fromWire(JSON.parse(each), (mark) => mark))
    invocation.out(JSON.stringify(toWire(await door.call(call, values))))
    return 0
  }
  pipe.onLine((line) => void door.serve(line))
  await host.clock.sleep(600_000, invocation.signal).catch(() => undefined)
  return 0
})
