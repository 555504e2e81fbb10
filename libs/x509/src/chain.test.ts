import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Certificate, readCertificate, readCertificates } from './certificate.ts'
import { checkChain } from './chain.ts'
import { nodeVerify } from './testing/node-keys.ts'
import { type IssueOptions, TestCa } from './testing/test-ca.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const HOUR = 3_600_000
const now = NOW

const root = await TestCa.create({ name: 'root', now })
const middle = await TestCa.create({ name: 'middle', issuer: root })
const leaf = async (ca: TestCa, more: Partial<IssueOptions> = {}) => {
  const { certPem } = await ca.issue({ commonName: 'a.b', ...more })
  return readCertificate(certPem)
}
const bundleOf = (...cas: readonly TestCa[]) => readCertificates(cas.map((ca) => ca.certPem).join(''))
const check = (certificate: Certificate, bundle: readonly Certificate[], at = now, skewMs = 0) =>
  checkChain({ leaf: certificate, anchors: bundle, now: at, verify: nodeVerify, skewMs })
const CHAIN = { code: 'X509_CHAIN' }
const EXPIRED = { code: 'X509_EXPIRED' }

test('a leaf of a root in the bundle holds', async () => {
  await expect(check(await leaf(root), bundleOf(root))).resolves.toBeUndefined()
})

test('a leaf of an intermediate holds, in whatever order the bundle is', async () => {
  await check(await leaf(middle), bundleOf(root, middle))
  await check(await leaf(middle), bundleOf(middle, root))
})

test('a leaf of an ecdsa intermediate under an rsa root holds', async () => {
  const rsa = await TestCa.create({ name: 'rsa', algorithm: 'rsa', now })
  const ec = await TestCa.create({ name: 'ec', issuer: rsa })
  await check(await leaf(ec), readCertificates(ec.chainPem))
})

test('an old root of the same name beside the new one does no harm (T32)', async () => {
  const other = await TestCa.create({ name: 'root', now })
  await check(await leaf(root), bundleOf(other, root))
  await check(await leaf(root), bundleOf(root, other))
})

test('an expired root of the same name beside the new one does no harm', async () => {
  const old = await TestCa.create({ name: 'root', now, lifeMs: 1_000 })
  await check(await leaf(root), bundleOf(old, root))
})

describe('a chain is refused', () => {
  test('without a root: an intermediate alone is not trusted', async () => {
    await expect(check(await leaf(middle), bundleOf(middle))).rejects.toMatchObject(CHAIN)
  })

  test('whose root came along and is none of the anchors (T16)', async () => {
    const stranger = await TestCa.create({ name: 'stranger', now })
    const below = await TestCa.create({ name: 'below', issuer: stranger })
    const along = (certificate: Certificate, ...cas: readonly TestCa[]) =>
      checkChain({ leaf: certificate, anchors: bundleOf(root), intermediates: bundleOf(...cas), now, verify: nodeVerify })
    await expect(along(await leaf(stranger), stranger)).rejects.toMatchObject(CHAIN)
    await expect(along(await leaf(below), below, stranger)).rejects.toMatchObject(CHAIN)
    const impostor = await TestCa.create({ name: 'root', now })
    await expect(along(await leaf(impostor), impostor)).rejects.toMatchObject(CHAIN)
    await along(await leaf(middle), middle, stranger)
  })

  test('with an empty bundle', async () => {
    await expect(check(await leaf(root), [])).rejects.toMatchObject(CHAIN)
  })

  test('when another ca of the same name signed', async () => {
    const impostor = await TestCa.create({ name: 'root', now })
    await expect(check(await leaf(impostor), bundleOf(root))).rejects.toMatchObject(CHAIN)
  })

  test('when a leaf plays the ca', async () => {
    const evil = await TestCa.create({ name: 'evil', now })
    const sameKey = { key: createPrivateKey(evil.keyPem), commonName: 'evil' }
    const asLeaf = await leaf(root, sameKey)
    const asCa = await leaf(root, { ...sameKey, isCa: true })
    const below = await leaf(evil)
    await check(below, [...bundleOf(root), asCa])
    await expect(check(below, [...bundleOf(root), asLeaf])).rejects.toMatchObject(CHAIN)
  })

  test('when the leaf is a ca, or itself in the bundle', async () => {
    await expect(check(await leaf(root, { isCa: true }), bundleOf(root))).rejects.toMatchObject(CHAIN)
    const stray = await leaf(await TestCa.create({ now, name: 'stray' }))
    await expect(check(stray, [stray, ...bundleOf(root)])).rejects.toMatchObject(CHAIN)
  })

  test('when more cas stand below one than it allows', async () => {
    const strict = await TestCa.create({ name: 'strict', now, pathLength: 0 })
    const below = await TestCa.create({ name: 'below', issuer: strict })
    await expect(check(await leaf(below), bundleOf(strict, below))).rejects.toMatchObject(CHAIN)
    await check(await leaf(strict), bundleOf(strict))
  })

  test('when it is longer than four cas', async () => {
    const cas = [root]
    for (const n of [2, 3, 4, 5]) cas.push(await TestCa.create({ name: `ca ${n}`, issuer: cas.at(-1)! }))
    await check(await leaf(cas[3]!), bundleOf(...cas))
    await expect(check(await leaf(cas[4]!), bundleOf(...cas))).rejects.toMatchObject(CHAIN)
  })

  test.each([
    ['the leaf has expired', 2 * HOUR + 1_000, 0, EXPIRED],
    ['the leaf is not valid yet', -1_000, 0, EXPIRED],
    ['the leaf is further in the future than clocks may differ', -61_000, 60_000, EXPIRED],
  ])('when %s', async (_when, after, skewMs, error) => {
    const certificate = await leaf(root, { notBefore: now, lifeMs: 2 * HOUR })
    await expect(check(certificate, bundleOf(root), now + after, skewMs)).rejects.toMatchObject(error)
  })

  test('when its ca has expired', async () => {
    const short = await TestCa.create({ name: 'short', issuer: root, lifeMs: 2 * HOUR })
    const certificate = await leaf(short, { lifeMs: 100 * HOUR })
    await check(certificate, bundleOf(root, short))
    await expect(check(certificate, bundleOf(root, short), now + 2 * HOUR)).rejects.toMatchObject(EXPIRED)
  })

  test('when so many cas have one name that someone wants us to compute for ever', async () => {
    const cas = await Promise.all(Array.from({ length: 40 }, () => TestCa.create({ name: 'root', now })))
    await expect(check(await leaf(root), bundleOf(...cas, root))).rejects.toMatchObject({
      ...CHAIN,
      message: 'too many signatures to check',
    })
  })
})

test('a leaf that begins within the difference of clocks holds', async () => {
  const certificate = await leaf(root, { notBefore: now, lifeMs: HOUR })
  await check(certificate, bundleOf(root), now - 59_000, 60_000)
})
