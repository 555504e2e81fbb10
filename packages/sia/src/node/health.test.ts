import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, memoryLog } from '@pallas/runtime/testing'
import { serve } from '@pallas/service'
import { expect, test } from 'vitest'
import type { Member } from '../companions.ts'
import { createHealthServer, unhealthy } from './health.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const HOUR = 3_600_000

const member = (more: Partial<Member> = {}): Member => ({
  kind: 'service-certificate',
  name: 'media.web',
  life: { notBefore: NOW - HOUR, notAfter: NOW + HOUR },
  paths: ['/tls/service.cert', '/tls/service.key'],
  problem: undefined,
  ...more,
})

const onDisk = async () => true
const withoutKey = async (path: string) => path !== '/tls/service.key'

test('whoever has all that is wanted is healthy, and so is whoever wants nothing', async () => {
  expect(await unhealthy([member()], NOW, onDisk)).toEqual([])
  expect(await unhealthy([], NOW, onDisk)).toEqual([])
})

test.each<[string, Partial<Member>, object]>([
  ['never came', { life: undefined, problem: 'POD_UNKNOWN' }, { state: 'missing', reason: 'POD_UNKNOWN' }],
  ['has expired just now', { life: { notBefore: 0, notAfter: NOW }, problem: 'ISSUER_UNAVAILABLE' }, { state: 'expired', reason: 'ISSUER_UNAVAILABLE' }],
])('a credential that %s is named with what stands in its way (W28)', async (_what, more, expected) => {
  const role = member({ kind: 'role-certificate', name: 'media:role.reader', ...more })
  expect(await unhealthy([member(), role], NOW, onDisk)).toEqual([{ kind: 'role-certificate', name: 'media:role.reader', ...expected }])
})

test('a file that somebody removed is missing, whatever was written once', async () => {
  expect(await unhealthy([member()], NOW, withoutKey)).toMatchObject([{ state: 'missing' }])
})

test('a failed renewal is no illness while the old credential lives', async () => {
  expect(await unhealthy([member({ problem: 'ISSUER_UNAVAILABLE' })], NOW, onDisk)).toEqual([])
})

test('what is kept in memory alone does not count', async () => {
  expect(await unhealthy([member({ kind: 'access-token', life: undefined, paths: [] })], NOW, onDisk)).toEqual([])
})

test('the server follows the state: 200 OK, then 503 with names, then 200 again (W28)', async () => {
  await using scope = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'health-'))
  scope.defer(() => rm(dir, { recursive: true }))
  const path = join(dir, 'service.cert')
  await writeFile(path, '')
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  let members = [member({ paths: [path] })]
  let problem: string | undefined
  const app = createHealthServer({ endpoint: '/live', members: () => members, problem: () => problem, clock, log: memoryLog().log })
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock }))
  const ask = async (path = '/live') => {
    const answer = await fetch(`${url}${path}`)
    return [answer.status, await answer.text()] as const
  }
  expect(await ask()).toEqual([200, 'OK'])
  expect((await ask('/'))[0]).toBe(404)

  clock.jump(2 * HOUR)
  const [status, said] = await ask()
  expect(status).toBe(503)
  expect(JSON.parse(said)).toEqual({
    code: 'NOT_READY',
    message: 'not every credential that is wanted is in place',
    members: [{ kind: 'service-certificate', name: 'media.web', state: 'expired' }],
  })

  members = [member({ paths: [path], life: { notBefore: NOW, notAfter: NOW + 9 * HOUR } })]
  expect(await ask()).toEqual([200, 'OK'])
  problem = 'the token server does not listen yet'
  expect((await ask())[1]).toContain(problem)
})

test('a probe is answered though a stranger holds more connections than there are, and asks nothing', async () => {
  await using scope = new AsyncDisposableStack()
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const app = createHealthServer({ endpoint: '/live', members: () => [], problem: () => undefined, clock, log: memoryLog().log })
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock }))
  for (let n = 0; n < 150; n++) {
    const held = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    scope.defer(() => void held.destroy())
    await once(held, 'connect')
  }
  expect((await fetch(`${url}/live`)).status).toBe(200)
})
