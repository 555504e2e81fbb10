/** What a ZTS publishes to those who rely on what it issues. */
import { readCertificates } from '@pallas/x509'
import { describe, expect, test } from 'vitest'
import { callBy, publishedKeys } from './contract-call.ts'
import type { ZtsUnderTest } from './contract-world.ts'

export function describePublished(open: () => Promise<ZtsUnderTest>): void {
  describe('what is published', () => {
    test('the bundle of its CA, to those who are known', async () => {
      await using it = await open()
      const { status, text } = await callBy(it, '/cacerts/athenz', { pair: it.member.pair })
      const { name, certs } = JSON.parse(text) as { name: string; certs: string }
      expect([status, name]).toEqual([200, 'athenz'])
      expect(readCertificates(certs).length).toBeGreaterThan(0)
      expect(await callBy(it, '/cacerts/athenz')).toMatchObject({ status: 401, message: 'Invalid credentials' })
    })

    test('no bundle that is none', async () => {
      await using it = await open()
      const message = 'getCertificateAuthorityBundle: No such bundle: nosuch'
      expect(await callBy(it, '/cacerts/nosuch', { pair: it.member.pair })).toMatchObject({ status: 404, message })
    })

    test('the keys of its tokens, to anybody, each with its name', async () => {
      await using it = await open()
      const { keys } = JSON.parse(await publishedKeys(it)) as { keys: { kid: string; use: string }[] }
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) expect(key).toMatchObject({ kid: expect.any(String) as string, use: 'sig' })
    })
  })
}
