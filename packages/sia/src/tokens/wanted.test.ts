import { HostError } from '@pallas/host'
import { expect, test } from 'vitest'
import type { CompanionDeps, Tokens } from '../companions.ts'
import { askZts, bytes, openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES } from '../testing/test-agent.ts'
import { ztsError } from '../testing/test-zts.ts'
import { lifeOfToken } from './life.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const READER = 'media.on-air:role.reader'
const BOTH = [...askZts, `--target-domain-roles=${READER},media.on-air`, '--token-type=roletoken+accesstoken', '--token-dir=/out']

async function openMember(): Promise<Pod> {
  const pod = await openPod()
  pod.zts.roles.set(READER, [NAMES.commonName])
  return pod
}

const ACCESS = `/out/${READER}.accesstoken`
const tokensAsked = ({ zts }: Pod) => zts.requests.filter(({ path }) => /token/.test(path)).length

test('tokens of both kinds lie in their files as they came, for the owner alone', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...BOTH]).done
  const names = ['media.on-air', READER].flatMap((it) => [`${it}.accesstoken`, `${it}.roletoken`])
  expect((await pod.host.files.list('/out')).filter((it) => !it.startsWith('..'))).toEqual(names.sort())
  expect(await pod.read(ACCESS)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  expect(await pod.read(`/out/${READER}.roletoken`)).toMatch(/^v=Z1;d=media\.on-air;r=reader;.*s=AA--$/)
  const at = await pod.host.files.readlink('/out/..data')
  for (const name of names) expect((await pod.host.files.stat(`/out/${at}/${name}`))?.mode).toBe(0o600)
})

test('the key is not asked for again: tokens come over mutual TLS with the new certificate', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...BOTH]).done
  const key = await pod.read('/tls/service.key')
  expect(pod.zts.requests.every(({ to }) => to.kind === 'tls' && to.client?.keyPem === key)).toBe(true)
  expect(pod.zts.requests.map(({ path }) => path).sort()).toEqual([
    '/zts/v1/domain/media.on-air/token',
    '/zts/v1/domain/media.on-air/token?role=reader',
    '/zts/v1/oauth2/token',
    '/zts/v1/oauth2/token',
  ])
})

test('a life that is wished is asked for', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...BOTH, '--token-expiry=1h']).done
  const [access, role] = ['/oauth2/', '/domain/'].map((it) => pod.zts.requests.find(({ path }) => path.includes(it)))
  expect(access?.body).toContain('expires_in=3600')
  expect(role?.path).toContain('minExpiryTime=3600')
})

test.each([
  ['denied is final', () => {}, 'ISSUER_DENIED'],
  ['silent is unavailable', (pod: Pod) => void pod.zts.instead.push(...Array(999).fill(ztsError(503, 'busy'))), 'ISSUER_UNAVAILABLE'],
])('in init every token must be there: a ZTS that is %s', async (_name, spoil, code) => {
  const pod = await openPod()
  spoil(pod)
  const { failed } = runSiaOn(pod, ['--mode=init', ...BOTH])
  await pod.host.clock.advance(2 * MINUTE)
  expect(await failed).toMatchObject({ code })
  expect(pod.agent.asked).toBe(1)
  expect(pod.lines.filter(({ msg }) => msg === 'a token could not be had')[0]).toMatchObject({ reason: code, name: READER })
})

test('refresh renews each token at about half of its life, and never later than the interval', async () => {
  const pod = await openMember()
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...BOTH])
  await pod.host.clock.advance(0)
  expect(tokensAsked(pod)).toBe(4)
  const first = await pod.read(ACCESS)
  await pod.host.clock.advance(31 * MINUTE)
  expect(tokensAsked(pod)).toBe(8)
  expect(await pod.read(ACCESS)).not.toBe(first)
  pod.zts.tokenLifeMs = 20 * MINUTE
  await pod.host.clock.advance(31 * MINUTE)
  const before = tokensAsked(pod)
  await pod.host.clock.advance(HOUR)
  expect(tokensAsked(pod) - before).toBeGreaterThanOrEqual(4 * 5)
  expect(pod.agent.asked).toBe(1)
  await stopped()
})

test('tokens in memory alone are had before anybody asks', async () => {
  const pod = await openMember()
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--token-server-addr=:0', '--use-token-server']
  const seen: Tokens[] = []
  const home = {
    unfit: () => [],
    start: async (_settings: unknown, { tokens }: Pick<CompanionDeps, 'tokens'>) => {
      seen.push(tokens)
      return { published: () => {}, failed: () => {}, [Symbol.asyncDispose]: async () => {} }
    },
  }
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...argv], home)
  await pod.host.clock.advance(0)
  expect(seen[0]?.cached({ domain: 'media.on-air', roles: ['reader'] })).toEqual({ access: expect.objectContaining({ accessToken: expect.any(String) }) })
  await stopped()
})

test('in an outage the old token stays in its file, and a program that begins then serves it on (T28)', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...BOTH]).done
  const token = await pod.read(ACCESS)
  pod.zts.instead.push(...Array(9_999).fill(ztsError(503, 'down')))
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...BOTH])
  await pod.host.clock.advance(3 * HOUR)
  expect(await pod.read(ACCESS)).toBe(token)
  expect(pod.said('renewal failed, the old credentials stay')).toBeGreaterThan(10)
  pod.zts.instead.length = 0
  await pod.host.clock.advance(10 * MINUTE)
  expect(await pod.read(ACCESS)).not.toBe(token)
  await stopped()
})

test('a token that shares the directory of the key changes alone, and the key with it stays', async () => {
  const pod = await openMember()
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--token-dir=/tls', '--rolecert-dir=/tls']
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...argv])
  await pod.host.clock.advance(0)
  const names = ['service.key', 'service.cert', 'cacert.pem', `${READER}.cert.pem`, `${READER}.accesstoken`]
  const readAll = () => Promise.all(names.map((name) => pod.read(`/tls/${name}`)))
  const before = await readAll()
  await pod.host.clock.advance(31 * MINUTE)
  const after = await readAll()
  expect(after.slice(0, 4)).toEqual(before.slice(0, 4))
  expect(after[4]).not.toBe(before[4])
  await pod.host.clock.advance(15 * HOUR)
  expect((await readAll())[0]).not.toBe(before[0])
  await stopped()
})

test('a disk that is full for a while costs no second token', async () => {
  const pod = await openMember()
  const full = new HostError('HOST_IO', 'full', { errno: 'ENOSPC' })
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--token-dir=/out']
  pod.host.faults.failWhen(({ call, path }) => (call === 'files.createOwn' && path?.includes('accesstoken') ? full : undefined))
  const { done } = runSiaOn(pod, ['--mode=init', ...argv])
  await pod.host.clock.advance(3_000)
  pod.host.faults.reset()
  await pod.host.clock.advance(10_000)
  await done
  expect(tokensAsked(pod)).toBe(1)
})

test('no token is ever logged', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', '--log-level=debug', ...BOTH]).done
  const logged = JSON.stringify(pod.lines)
  for (const path of [ACCESS, `/out/${READER}.roletoken`]) expect(logged).not.toContain((await pod.read(path)).slice(0, 40))
})

test.each([
  ['access-token', 'not.a.token'],
  ['access-token', ''],
  ['access-token', `x.${btoa('{"iat":5,"exp":"9"}')}.x`],
  ['access-token', `x.${btoa('{"iat":9,"exp":5}')}.x`],
  ['access-token', `x.${btoa('null')}.x`],
  ['role-token', 'v=Z1;d=media;s=x'],
  ['role-token', 'v=Z1;t=9;e=5;s=x'],
] as const)('the life of a %s that is %j is not known', (kind, text) => {
  expect(lifeOfToken(kind, text)).toBeUndefined()
})

test('tokens that come at the same time are put in place together', async () => {
  const pod = await openMember()
  const roles = Array.from({ length: 20 }, (_, n) => `media.on-air:role.r${n}`)
  for (const role of roles) pod.zts.roles.set(role, [NAMES.commonName])
  const argv = [...askZts, `--target-domain-roles=${roles.join(',')}`, '--token-dir=/out']
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...argv])
  for (let n = 0; n < 10; n++) await pod.host.clock.advance(0)
  expect((await pod.host.files.list('/out')).filter((it) => it.endsWith('.accesstoken'))).toHaveLength(20)
  const swaps = pod.host.faults.steps.filter(({ call, path }) => call === 'files.rename' && path === '/out/..data_tmp')
  expect(swaps.length).toBeLessThan(5)
  await stopped()
})

const jwt = (claims: object, rest = '') => `${['{}', JSON.stringify(claims), 'sig'].map((it) => bytes(it).toBase64({ alphabet: 'base64url', omitPadding: true })).join('.')}${rest}`

test.each([
  ['a token', 2 * HOUR, '', 0],
  ['a token and another line', 2 * HOUR, '\nX-Admin: yes', 1],
  ['a token that claims to live for years', 365 * 24 * HOUR, '', 1],
])('%s in a file of an earlier run is taken over only when ZTS could have sent it', async (_what, lifeMs, rest, asked) => {
  const pod = await openMember()
  const now = pod.host.clock.now()
  await runSiaOn(pod, ['--mode=init']).done
  await pod.host.files.mkdirs('/out', 0o755)
  const text = jwt({ iat: now / 1_000, exp: (now + lifeMs) / 1_000 }, rest)
  await pod.host.files.create('/out/media.on-air.accesstoken', bytes(text), 0o600)
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...askZts, '--target-domain-roles=media.on-air', '--token-type=accesstoken', '--token-dir=/out'])
  await pod.host.clock.advance(0)
  expect(tokensAsked(pod)).toBe(asked)
  await stopped()
})
