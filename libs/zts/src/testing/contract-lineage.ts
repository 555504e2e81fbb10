/** Which certificate of an instance may still be refreshed. */
import { createCsr, readCertificate, sameBytes } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import {
  instanceOf,
  namesFor,
  registration,
  type RegistrationChanges,
  REVOKED,
  type ZtsUnderTest,
} from './contract-world.ts'
import { yes } from './test-callback.ts'

export function describeLineage(open: () => Promise<ZtsUnderTest>): void {
  test('a refresh gives the next certificate, for another key and other names if the callback says yes', async () => {
    await using it = await open()
    const { first, refresh } = await instanceOf(it)
    const uri = ['spiffe://athenz.io/ns/default/sa/shop.cart']
    const key = nodeKey()
    const csr = await createCsr({ ...namesFor(it, 'pod-1'), ip: [], uri }, key)
    const next = readCertificate((await refresh(first, { csr })).x509Certificate)
    expect(next.names).toMatchObject({ ip: [], uri })
    expect(sameBytes(next.spki, key.spki)).toBe(true)
    expect(it.callback.asked.map(({ path }) => path)).toEqual(['/instance', '/refresh'])
  })

  test('the previous certificate may refresh again and again, an older one revokes (W31, W38)', async () => {
    await using it = await open()
    const { first, refresh, register } = await instanceOf(it)
    await refresh(first)
    const current = await refresh(first)
    const newest = await refresh(current)
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
    await expect(refresh(newest)).rejects.toMatchObject(REVOKED)
    await refresh(await register())
  })

  test('a second register makes the first certificate unknown, and using that revokes the second (W38)', async () => {
    await using it = await open()
    const { first, refresh, register } = await instanceOf(it)
    const second = await register()
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
    await expect(refresh(second)).rejects.toMatchObject(REVOKED)
  })

  test('of concurrent refreshes all succeed and one is current', async () => {
    await using it = await open()
    const { first, refresh } = await instanceOf(it)
    const all = await Promise.all([refresh(first), refresh(first), refresh(first)])
    const after = await Promise.allSettled(all.map((identity) => refresh(identity)))
    expect(after.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(2)
  })

  test('a refresh that the callback denies leaves the lineage alone', async () => {
    await using it = await open()
    const { first, refresh } = await instanceOf(it)
    it.callback.say(() => ({ status: 403, body: '{}' }))
    await expect(refresh(first)).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 403 })
    it.callback.say(() => yes())
    await refresh(first)
  })

  test('the callback is asked even for an instance that is revoked', async () => {
    await using it = await open()
    const { first, refresh, register } = await instanceOf(it)
    await register()
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
    const before = it.callback.asked.length
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
    expect(it.callback.asked.length).toBe(before + 1)
  })

  test('an instance that the provider wants no refresh of has no record', async () => {
    await using it = await open()
    it.callback.say(() => yes({ certRefresh: 'false' }))
    const { first, refresh } = await instanceOf(it)
    it.callback.say(() => yes())
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
  })

  test.each([
    ['another instance id in the CSR', { instanceId: 'pod-2' }],
    ['no CSR', { csr: '' }],
  ])('a refresh with %s is refused and harms nothing', async (_name, change: RegistrationChanges) => {
    await using it = await open()
    const { first, refresh } = await instanceOf(it)
    const csr = change.csr ?? (await registration(it, change)).csr
    await expect(refresh(first, { csr })).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 400 })
    await refresh(first)
  })

  test('a refresh without attestation data reaches the callback as null', async () => {
    await using it = await open()
    const key = nodeKey()
    const { x509Certificate } = await it.zts.register(await registration(it, { key }))
    const { attestationData: _unsent, ...request } = await registration(it, { key })
    const credentials = { keyPem: key.pem, certPem: x509Certificate }
    await it.zts.refresh({ ...request, instanceId: 'pod-1', credentials })
    expect(it.callback.asked.at(-1)?.body).toContain('"attestationData":null')
  })
}

export function describeDelete(open: () => Promise<ZtsUnderTest>): void {
  test('the provider deletes an instance, twice if it likes; its certificate can no longer be refreshed', async () => {
    await using it = await open()
    const { first, refresh, name } = await instanceOf(it)
    await it.asProvider.deleteInstance(name)
    await it.asProvider.deleteInstance(name)
    await expect(refresh(first)).rejects.toMatchObject(REVOKED)
  })

  test('nobody else deletes it (W38)', async () => {
    await using it = await open()
    const { first, refresh, name } = await instanceOf(it)
    await expect(it.zts.deleteInstance(name)).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 401 })
    await refresh(first)
  })
}
