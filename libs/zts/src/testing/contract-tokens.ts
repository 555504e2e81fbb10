/** Access tokens and role tokens, as whoever relies on them reads them. */
import { createHash } from 'node:crypto'
import { readCertificate } from '@pallas/x509'
import { describe, expect, test } from 'vitest'
import { askToken, callBy, publishedKeys } from './contract-call.ts'
import type { ZtsUnderTest } from './contract-world.ts'
import { readJws, readRoleToken } from './published-keys.ts'

interface Grant {
  readonly access_token: string
  readonly scope?: string
}

export function describeTokens(open: () => Promise<ZtsUnderTest>): void {
  describe('access tokens', () => {
    test('a member gets one for its role, signed by a published key, bound to its certificate', async () => {
      await using it = await open()
      const { domain, service, role, pair } = it.member
      const { status, text } = await askToken(it, { scope: `${domain}:role.${role}`, expires_in: '600' }, { pair })
      const answer = JSON.parse(text) as Grant
      expect([status, answer]).toMatchObject([200, { token_type: 'Bearer', expires_in: 600 }])
      expect(answer).not.toHaveProperty('scope')
      const { header, claims, isSigned } = readJws(answer.access_token, await publishedKeys(it))
      expect([header['typ'], isSigned]).toEqual(['at+jwt', true])
      const hash = createHash('sha256').update(readCertificate(pair.certPem).der).digest('base64url')
      const name = `${domain}.${service}`
      const whose = { sub: name, uid: name, client_id: name, aud: domain, scp: [role], scope: role }
      expect(claims).toMatchObject({ ver: 1, ...whose, cnf: { 'x5t#S256': hash } })
      expect(Number(claims['exp']) - Number(claims['iat'])).toBe(600)
    })

    test.each<[string, (member: ZtsUnderTest['member']) => string]>([
      ['all roles of the domain', ({ domain }) => `${domain}:domain`],
      ['more than it has', ({ domain, role, otherRole }) => `${domain}:role.${role} ${domain}:role.${otherRole}`],
    ])('whoever asks for %s is told what it got', async (_name, scopeOf) => {
      await using it = await open()
      const { domain, role, pair } = it.member
      const { status, text } = await askToken(it, { scope: scopeOf(it.member) }, { pair })
      expect([status, (JSON.parse(text) as Grant).scope]).toEqual([200, `${domain}:role.${role}`])
    })

    test.each<[string, Record<string, string>, number, string]>([
      ['two domains', { scope: 'a:domain b:domain' }, 400, 'Multiple domains in scope'],
      ['no domain', { scope: 'profile' }, 400, 'No domains in scope'],
      ['no scope', {}, 400, 'Invalid request: no scope provided'],
      ['no grant', { grant_type: '' }, 400, 'Invalid request: no grant type provided'],
      ['another grant', { grant_type: 'password' }, 400, 'Invalid grant request: password'],
      ['an unknown domain', { scope: 'nosuch:domain' }, 404, 'No such domain: nosuch'],
    ])('none for %s', async (_name, form, status, message) => {
      await using it = await open()
      expect(await askToken(it, form, { pair: it.member.pair })).toMatchObject({ status, message })
    })

    test('none for a role that the caller is not in, nor for a body in JSON', async () => {
      await using it = await open()
      const { domain, service, otherRole, pair } = it.member
      const refused = await askToken(it, { scope: `${domain}:role.${otherRole}` }, { pair })
      const text = `principal ${domain}.${service} is not included in the requested role(s) in domain ${domain}`
      expect(refused).toMatchObject({ status: 403, message: `postaccesstokenrequest: ${text}` })
      const json = await askToken(it, {}, { pair, headers: { 'content-type': 'application/json' }, body: '{}' })
      expect(json.status).toBe(415)
      expect(json.headers['content-type']).toContain('text/html')
    })
  })

  describe('role tokens', () => {
    test('a member gets one, signed by a published key', async () => {
      await using it = await open()
      const { domain, service, role, pair } = it.member
      const path = `/domain/${domain}/token?role=${role}&maxExpiryTime=600`
      const { status, text } = await callBy(it, path, { pair })
      const answer = JSON.parse(text) as { token: string; expiryTime: number }
      const { fields, isSigned } = readRoleToken(answer.token, await publishedKeys(it))
      expect([status, isSigned]).toEqual([200, true])
      expect(fields).toMatchObject({ v: 'Z1', d: domain, r: role, p: `${domain}.${service}` })
      expect([Number(fields['e']) - Number(fields['t']), Number(fields['e'])]).toEqual([600, answer.expiryTime])
    })

    test('none for a role that the caller is not in', async () => {
      await using it = await open()
      const { domain, otherRole, pair } = it.member
      expect(await callBy(it, `/domain/${domain}/token?role=${otherRole}`, { pair })).toMatchObject({ status: 403 })
    })
  })
}
