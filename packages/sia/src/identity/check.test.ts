import { nodeHost } from '@pallas/linux'
import { TestCa, nodeKey } from '@pallas/x509/testing'
import { beforeAll, expect, test } from 'vitest'
import { checkIdentity, type Identity } from './check.ts'
import { NAMES } from '../testing/test-agent.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const { keys } = nodeHost()
const key = nodeKey()
let ca: TestCa

beforeAll(async () => {
  ca = await TestCa.create({ now: NOW })
})

type Wish = Partial<Parameters<TestCa['issue']>[0]> & { readonly by?: TestCa }

async function identity({ by = ca, ...wish }: Wish = {}): Promise<Identity> {
  const { certPem } = await by.issue({ ...NAMES, key: key.object, lifeMs: 24 * HOUR, notBefore: NOW, ...wish })
  return { set: { keyPem: key.pem, certPem, caPem: ca.chainPem }, spki: key.spki, names: NAMES }
}

const check = (it: Identity, now = NOW) => checkIdentity(it, { now, verify: (signed) => keys.verify(signed) })

test('a certificate for the key, the names and the time, from the authority in the answer, is one', async () => {
  expect(await check(await identity())).toMatchObject({ commonName: NAMES.commonName, notAfter: NOW + 24 * HOUR })
})

test('an intermediate may travel behind the leaf', async () => {
  const middle = await TestCa.create({ now: NOW, issuer: ca })
  const it = await identity({ by: middle })
  expect(await check({ ...it, set: { ...it.set, certPem: it.set.certPem + middle.certPem } })).toBeDefined()
})

test('roots that are given count instead of the authority that was sent along (T16)', async () => {
  const other = await TestCa.create({ now: NOW })
  const it = await identity()
  expect(await check({ ...it, roots: ca.chainPem })).toBeDefined()
  await expect(check({ ...it, roots: other.chainPem })).rejects.toMatchObject({ fields: { part: 'chain' } })
})

test('a clock five minutes behind that of the issuer is borne', async () => {
  expect(await check(await identity({ notBefore: NOW + 5 * MINUTE }))).toBeDefined()
})

test('without an authority only key, names and time are judged', async () => {
  const other = await TestCa.create({ now: NOW })
  const it = await identity({ by: other })
  expect(await check({ ...it, set: { ...it.set, caPem: '' } })).toBeDefined()
})

const wrong: [string, string, () => Promise<Identity>][] = [
  ['another key', 'key', () => identity({ key: nodeKey().object })],
  ['another common name', 'subject', () => identity({ commonName: 'media.on-air.other' })],
  ['one dns name more', 'dns', () => identity({ dns: [...NAMES.dns, 'api.svc.cluster.local'] })],
  ['one dns name less', 'dns', () => identity({ dns: NAMES.dns.slice(1) })],
  ['another address', 'ip', () => identity({ ip: ['10.1.2.4'] })],
  ['another uri', 'uri', () => identity({ uri: ['spiffe://media.on-air/sa/root'] })],
  ['an e-mail address', 'other', () => identity({ email: ['web@media.example'] })],
  ['an authority that did not sign it', 'chain', async () => identity({ by: await TestCa.create({ now: NOW }) })],
  [
    'an authority of its own behind it',
    'chain',
    async () => {
      const stranger = await TestCa.create({ now: NOW })
      const it = await identity({ by: stranger })
      return { ...it, set: { ...it.set, certPem: it.set.certPem + stranger.certPem } }
    },
  ],
  ['the rights of an authority', 'chain', async () => ({ ...(await identity({ isCa: true })), names: undefined })],
  ['its time over', 'time', () => identity({ notBefore: NOW - 2 * HOUR, lifeMs: HOUR })],
  ['its end this very moment', 'time', () => identity({ notBefore: NOW - HOUR, lifeMs: HOUR })],
  ['its time not begun', 'time', () => identity({ notBefore: NOW + 6 * MINUTE })],
  ['a longer life than its issuer', 'time', () => identity({ lifeMs: 11 * 365 * 24 * HOUR })],
  [
    'no certificate at all',
    'certificate',
    async () => ({ ...(await identity()), set: { keyPem: '', certPem: '<html>', caPem: '' } }),
  ],
  [
    'an authority that cannot be read',
    'ca',
    async () => {
      const it = await identity()
      return { ...it, set: { ...it.set, caPem: 'nonsense' } }
    },
  ],
]

test.each(wrong)('an answer with %s is refused (T16)', async (_name, part, make) => {
  await expect(check(await make())).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT', fields: { part } })
})
