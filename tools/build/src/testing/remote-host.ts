/** A `Host` whose every call is carried out by the static home, in a process of its own. */
import { type Host, HostError, type HostErrorCode, type PrivateKey } from '@pallas/host'
import { type Answered, type Asked, fromWire, type Mark, type ThrownError, toWire } from '@pallas/linux/static/testing'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface RemoteHost extends AsyncDisposable {
  readonly host: Host
  setUmask(mask: number): void
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Starts the door at `path`. */
export function openRemoteHost(path: string): RemoteHost {
  const child = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const waiting = new Map<number, Waiting>()
  let next = 0

  const send = (asked: Asked): void => void child.stdin.write(`${JSON.stringify(asked)}\n`)
  const marked = (mark: Mark): unknown => (mark.$ === 'lock' ? lockOf(mark, send) : keyOf(mark, ask))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, value, error } = JSON.parse(line) as Answered
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) caller?.resolve(fromWire(value, marked))
    else caller?.reject(errorOf(error))
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the door ended with ${String(code ?? signal)}`))
  })

  function ask(make: (id: number) => Asked): Promise<unknown> {
    const id = ++next
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(id, { resolve, reject })
    send(make(id))
    return promise
  }

  /** A signal stays here; the door is told when it aborts. */
  function signalOf(signal: AbortSignal): Mark {
    const number = ++next
    const tell = () => send({ abort: number, reason: signal.reason instanceof Error ? signal.reason.message : String(signal.reason) })
    if (signal.aborted) tell()
    else signal.addEventListener('abort', tell, { once: true })
    return { $: 'signal', number }
  }

  const part = (name: string) =>
    new Proxy({}, {
      get: (_target, method) => (...args: readonly unknown[]) => {
        const call = `${name}.${String(method)}`
        if (AT_ONCE.has(call)) return atOnce(path, call, args)
        const sent = args.map((each) => (each instanceof AbortSignal ? signalOf(each) : toWire(each)))
        return ask((id) => ({ id, call, args: sent }))
      },
    })
  const parts = ['clock', 'files', 'http', 'keys', 'mounts'].map((name) => [name, part(name)])
  return {
    host: Object.fromEntries(parts) as Host,
    setUmask: (mask) => send({ umask: mask }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What the door answers at once is asked of a process of its own, which can be waited for without waiting. */
const AT_ONCE = new Set(['clock.now', 'clock.monotonic', 'clock.random', 'keys.randomBytes'])

const atOnce = (path: string, call: string, args: readonly unknown[]): unknown =>
  fromWire(JSON.parse(execFileSync(path, [call, ...args.map((each) => JSON.stringify(each))], { encoding: 'utf8' })), (mark) => mark)

const lockOf = ({ number }: Mark, send: (asked: Asked) => void): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => send({ dispose: number }),
})

function keyOf({ number, ...facts }: Mark, ask: (make: (id: number) => Asked) => Promise<unknown>): PrivateKey {
  const sign = async (data: Uint8Array) => (await ask((id) => ({ id, key: number, data: toWire(data) }))) as Uint8Array
  return { ...(facts as unknown as Omit<PrivateKey, 'sign'>), sign }
}

function errorOf({ name, message, code, fields }: ThrownError): Error {
  return name === 'HostError' ? new HostError(code as HostErrorCode, message, { ...fields }) : new Error(message)
}
