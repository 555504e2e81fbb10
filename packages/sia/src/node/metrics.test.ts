import { expect, test } from 'vitest'
import { IdentityError } from '@pallas/identity'
import type { Member } from '../companions.ts'
import { createEvents } from './events.ts'
import { createSiaMetrics } from './metrics.ts'
import { ACCESS_TOKEN, ROLE_TOKEN, testDeps } from './testing/companions.ts'

const NOW = 1_900_000_000_000
const LIFE = { notBefore: NOW - 1_000, notAfter: NOW + 3_600_000 }

const MEMBERS: readonly Member[] = [
  { kind: 'service-certificate', name: 'media.web', life: LIFE, paths: ['/tls/service.key', '/tls/service.cert'], problem: undefined },
  { kind: 'role-certificate', name: 'media:role.reader', life: undefined, paths: ['/r/reader.cert.pem'], problem: 'ISSUER_DENIED' },
  { kind: 'access-token', name: 'media:role.reader', life: LIFE, paths: ['/t/a'], problem: undefined },
  { kind: 'role-token', name: 'media', life: LIFE, paths: [], problem: 'ISSUER_UNAVAILABLE' },
]

const isCertificate = (path: string) => path.includes('cert')

function open(members: readonly Member[] = MEMBERS) {
  const deps = testDeps()
  const metrics = createSiaMetrics({ version: '1.2.3', members: () => members, tokens: deps.tokens, now: () => NOW, isCertificate })
  return { ...deps, metrics, events: createEvents({ log: deps.log, metrics }) }
}

const linesOf = async (it: ReturnType<typeof open>) => (await it.metrics.read()).split('\n')

test('each credential says when it ends, and whether its renewal fails (W28)', async () => {
  const lines = await linesOf(open())
  expect(lines).toEqual(
    expect.arrayContaining([
      'athenz_sia_credential_not_after_seconds{kind="service-certificate",name="media.web"} 1900003600',
      'athenz_sia_credential_not_after_seconds{kind="role-certificate",name="media:role.reader"} 0',
      'athenz_sia_credential_failing{kind="role-certificate",name="media:role.reader"} 1',
      'athenz_sia_credential_failing{kind="service-certificate",name="media.web"} 0',
      'athenz_sia_cached_tokens{kind="access-token"} 2',
      'athenz_sia_cached_token_bytes{kind="role-token"} 80',
      'athenz_sia_build_info{version="1.2.3"} 1',
    ]),
  )
})

test('the names that dashboards of k8s-athenz-sia read are there, with its labels', async () => {
  const lines = await linesOf(open())
  expect(lines).toEqual(
    expect.arrayContaining([
      'x509_cert_not_after{filename="service.cert",filepath="/tls/service.cert",subject_CN="media.web"} 1900003600',
      'token_expires_in_seconds{type="accesstoken",domain="media",role="reader"} 3600',
      'token_expires_in_seconds{type="roletoken",domain="media",role=""} 3600',
      'cached_token_entries{type="accesstoken"} 2',
      'cached_token_bytes{type="roletoken"} 80',
    ]),
  )
  expect(lines.filter((line) => line.startsWith('x509_cert_not_after{'))).toHaveLength(1)
})

test('what is no longer wanted is no longer told', async () => {
  const members = [...MEMBERS]
  const it = open(members)
  await it.metrics.read()
  members.length = 0
  expect((await linesOf(it)).filter((line) => line.includes('"media'))).toEqual([])
})

test('renewals, refusals, token requests and hooks are counted by closed labels', async () => {
  const it = open()
  it.events.published({ members: [{ kind: 'access-token', name: 'a' }, { kind: 'access-token', name: 'b' }], paths: [] })
  it.events.notRenewed({ kind: 'access-token', name: 'a', error: new IdentityError('ISSUER_DENIED', 'no') })
  it.events.notRenewed({ kind: 'access-token', name: 'a', error: Object.assign(new Error('no'), { code: 'WHATEVER_17' }) })
  it.events.notRenewed({ kind: 'access-token', name: 'a', error: 'text' })
  it.events.tokenAnswered('accesstoken', 'OK')
  it.events.hookRan('command', 'timed-out', {})
  it.events.weakened('token-server-beyond-loopback')
  expect(await linesOf(it)).toEqual(
    expect.arrayContaining([
      'athenz_sia_renewals_total{kind="access-token",code="OK"} 2',
      'athenz_sia_renewals_total{kind="access-token",code="ISSUER_DENIED"} 1',
      'athenz_sia_renewals_total{kind="access-token",code="INTERNAL"} 2',
      'athenz_sia_token_requests_total{route="accesstoken",code="OK"} 1',
      'athenz_sia_hook_runs_total{hook="command",outcome="timed-out"} 1',
      'athenz_sia_weakened{mode="token-server-beyond-loopback"} 1',
    ]),
  )
})

test('no metric holds a token (T46)', async () => {
  const it = open()
  await it.tokens.accessToken({ domain: 'media', roles: [] }, new AbortController().signal)
  const text = await it.metrics.read()
  for (const secret of [ACCESS_TOKEN, ROLE_TOKEN]) expect(text).not.toContain(secret)
})

test('every metric of ours says what it is and has a unit', async () => {
  const names = (await linesOf(open())).flatMap((line) => /^# HELP (athenz_sia_\S+) (.+)$/.exec(line)?.slice(1) ?? [])
  expect(names.length).toBeGreaterThan(14)
  expect(names.filter((_, index) => index % 2 === 1).every((help) => help.endsWith('.'))).toBe(true)
})
