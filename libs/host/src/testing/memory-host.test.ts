import { expect, test } from 'vitest'
import { describeHost } from './contract.ts'
import { CrashedError } from './faults.ts'
import { MemoryMachine } from './memory-host.ts'
import { bytes } from './under-test.ts'

describeHost(
  'a machine in memory',
  async () => {
    const machine = new MemoryMachine()
    const host = machine.open()
    await host.files.mkdirs('/work/dir', 0o755)
    return {
      host,
      dir: '/work/dir',
      makeFifo: async (path) => machine.place(path, { kind: 'other' }),
      giveAway: async (path) => machine.change(path, { uid: 12_345 }),
      pass: (ms) => machine.clock.advance(ms),
      [Symbol.asyncDispose]: async () => undefined,
    }
  },
  { lacks: ['network', 'keys', 'umask'] },
)

test('the call that is to fail fails, and the ones around it do not', async () => {
  const host = new MemoryMachine().open()
  host.faults.failAt(2)
  await host.files.mkdir('/a', 0o700)
  await expect(host.files.mkdir('/b', 0o700)).rejects.toMatchObject({ code: 'HOST_IO', fields: { errno: 'ENOSPC' } })
  await host.files.mkdir('/c', 0o700)
  expect(await host.files.list('/')).toEqual(['a', 'c'])
})

test('after a crash nothing more is done by that process, its locks are free, and its files stay', async () => {
  const machine = new MachineWithTwo()
  await machine.first.files.mkdir('/a', 0o700)
  expect(await machine.first.files.tryLock('/a', 'exclusive')).toBeDefined()
  machine.first.faults.crashAt(3)
  await expect(machine.first.files.mkdir('/b', 0o700)).rejects.toThrow(CrashedError)
  await expect(machine.first.files.list('/')).rejects.toThrow(CrashedError)
  expect(await machine.second.files.list('/')).toEqual(['a'])
  expect(await machine.second.files.tryLock('/a', 'exclusive')).toBeDefined()
})

class MachineWithTwo extends MemoryMachine {
  readonly first = this.open()
  readonly second = this.open()
}

test('a reboot takes the mounts and leaves the files', async () => {
  const machine = new MemoryMachine()
  const { files, mounts } = machine.open()
  await files.mkdirs('/a/b', 0o700)
  await files.mkdir('/c', 0o700)
  await mounts.bind('/a', '/c', { readOnly: true })
  expect(machine.snapshot()).toContain('mount /a at /c ro')
  machine.reboot()
  expect(machine.snapshot()).toEqual(['700 /a/', '700 /a/b/', '700 /c/'])
})

test('peers are functions; a deadline passes on the clock of the machine', async () => {
  const machine = new MemoryMachine()
  const { http } = machine.open()
  machine.peers.set('unix:/run/agent.sock', ({ path }) => ({ status: 200, headers: {}, body: path }))
  machine.peers.set('tcp:slow:80', () => new Promise(() => undefined))
  const request = { method: 'GET', path: '/x', timeoutMs: 1_000, maxBytes: 10 } as const
  expect(await http.exchange({ ...request, to: { kind: 'unix', socketPath: '/run/agent.sock' } })).toMatchObject({ body: '/x' })
  const slow = http.exchange({ ...request, to: { kind: 'tcp', host: 'slow', port: 80 } })
  const refusal = expect(slow).rejects.toMatchObject({ code: 'HOST_TIMEOUT' })
  await machine.clock.advance(1_000)
  await refusal
  const nobody = http.exchange({ ...request, to: { kind: 'tcp', host: 'none', port: 80 } })
  await expect(nobody).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  const long = http.exchange({ ...request, maxBytes: 1, to: { kind: 'unix', socketPath: '/run/agent.sock' } })
  await expect(long).rejects.toMatchObject({ code: 'HOST_TOO_LARGE' })
})

test('a process without peers may be aborted in its wait', async () => {
  const machine = new MemoryMachine()
  const host = machine.open()
  machine.peers.set('tcp:slow:80', () => new Promise(() => undefined))
  const stop = new AbortController()
  const to = { kind: 'tcp', host: 'slow', port: 80 } as const
  const waiting = host.http.exchange({ to, method: 'GET', path: '/', timeoutMs: 1_000, maxBytes: 10 }, stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await host.files.create('/still-works', bytes(''), 0o600)
})
