import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { type HostProcess, type Main, runMain } from './index.ts'

class FakeProcess extends EventEmitter {
  argv = ['node', 'program', '--a', 'b']
  env = { HOME: '/root' }
  exitCode: number | undefined
  said = ''
  complained = ''
  stdout = { write: (text: string) => void (this.said += text) }
  stderr = { write: (text: string) => void (this.complained += text) }
}

async function run(main: Main, during: (host: FakeProcess) => void = () => {}): Promise<FakeProcess> {
  const host = new FakeProcess()
  const running = runMain(host as unknown as HostProcess, main)
  during(host)
  await running
  return host
}

const failing = (facts: object) => () => Promise.reject(Object.assign(new Error('it broke'), facts))

test('a program gets its arguments, environment and streams', async () => {
  const host = await run(async (it) => {
    it.out(`${it.argv.join(' ')} ${it.env['HOME']}`)
    it.err('oh')
  })
  expect(host).toMatchObject({ said: '--a b /root', complained: 'oh', exitCode: 0 })
})

test.each([
  ['bad settings are 64, which speak for themselves', { code: 'CONFIG_INVALID' }, 64, 'it broke\n'],
  ['being denied is 77', { code: 'POD_UNKNOWN', kind: 'denied' }, 77, 'POD_UNKNOWN: it broke\n'],
  ['being unavailable is 75', { code: 'ISSUER_UNAVAILABLE', kind: 'unavailable' }, 75, 'ISSUER_UNAVAILABLE: it broke\n'],
  ['anything else is 1', { code: 'OTHER', kind: 'bad-request' }, 1, 'OTHER: it broke\n'],
])('%s, and the message is told', async (_name, facts, exitCode, complained) => {
  expect(await run(failing(facts))).toMatchObject({ exitCode, complained })
})

test('the chain of causes is told, and the stack of an error that is not ours', async () => {
  const host = await run(failing({ code: 'OURS', cause: new Error('the wire is cut') }))
  expect(host.complained).toMatch(/^OURS: it broke\n {2}caused by Error: the wire is cut\n +at /)
})

test('a program may end with a code of its own', async () => {
  expect((await run(async () => 3)).exitCode).toBe(3)
})

test.each(['SIGTERM', 'SIGINT'])('%s disposes what runs and ends with 0; a second one is not caught', async (name) => {
  const order: string[] = []
  const host = await run(
    async ({ signal }) => {
      signal.addEventListener('abort', () => order.push('aborted'))
      return { [Symbol.asyncDispose]: async () => void order.push('disposed') }
    },
    (it) => {
      it.emit(name)
      order.push(`${it.listenerCount('SIGTERM') + it.listenerCount('SIGINT')} listeners`)
    },
  )
  expect(order).toEqual(['aborted', '0 listeners', 'disposed'])
  expect(host).toMatchObject({ exitCode: 0, complained: '' })
})

test('giving up because of the signal is not a failure', async () => {
  const host = await run(
    ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    (it) => void it.emit('SIGTERM'),
  )
  expect(host).toMatchObject({ exitCode: 0, complained: '' })
})

test('failing to stop in order is a failure', async () => {
  const stuck = { [Symbol.asyncDispose]: () => Promise.reject(new Error('stuck')) }
  const host = await run(() => Promise.resolve(stuck), (it) => void it.emit('SIGTERM'))
  expect(host.exitCode).toBe(1)
  expect(host.complained).toContain('stuck')
})
