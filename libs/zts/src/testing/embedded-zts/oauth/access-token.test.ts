import { createHash } from 'node:crypto'
import { readCertificate } from '@pallas/x509'
import { describe, expect, test } from 'vitest'
import { askToken, publishedKeys } from '../../contract-call.ts'
import { type OpenEmbedded, openEmbedded } from '../../open-embedded.ts'
import { readJws } from '../../published-keys.ts'
import { allowRole } from '../world.ts'
import { pairOf, withReaders } from '../roles/role-calls.ts'

async function open() {
  const it = await openEmbedded()
  withReaders(it)
  return { ...it, pair: await pairOf(it) }
}

interface Grant {
  readonly access_token: string
  readonly expires_in: number
  readonly scope?: string
  readonly id_token?: string
}

const grantIn = (text: string) => JSON.parse(text) as Grant

/** The token as the keys of the server show it. */
const read = async (it: OpenEmbedded, token: string) => readJws(token, await publishedKeys(it))

const claimsIn = async (it: OpenEmbedded, { text }: { readonly text: string }) =>
  (await read(it, grantIn(text).access_token)).claims

const BOTH = ['readers', 'writers']

describe('an access token', () => {
  test('says whose it is, for what and until when, bound to the certificate that asked', async () => {
    await using it = await open()
    const { status, text } = await askToken(it, { scope: 'shop:role.readers' }, { pair: it.pair })
    expect(status).toBe(200)
    const grant = grantIn(text)
    expect(grant).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 7_200 })
    const token = grant.access_token
    const { header, claims, isSigned } = await read(it, token)
    expect(isSigned).toBe(true)
    expect(header).toEqual({ kid: '0', typ: 'at+jwt', alg: 'ES256' })
    const iat = claims['iat'] as number
    const whose = { sub: 'shop.web', client_id: 'shop.web', uid: 'shop.web', aud: 'shop', iss: 'sys.auth.zts', ver: 1 }
    const what = { scp: ['readers'], scope: 'readers', jti: expect.any(String) as string }
    const hash = createHash('sha256').update(readCertificate(it.pair.certPem).der).digest('base64url')
    const times = { iat, auth_time: iat, exp: iat + 7_200 }
    expect(claims).toEqual({ ...whose, ...what, ...times, cnf: { 'x5t#S256': hash } })
    const told = { operation: 'access-token', principal: 'shop.web', domain: 'shop', roles: ['readers'] }
    expect(it.server.calls()[0]).toMatchObject({ ...told, status: 200, expirySeconds: 7_200 })
    expect(JSON.stringify(it.server.calls())).not.toContain(token)
  })

  test('is not bound for a caller with a token', async () => {
    await using it = await openEmbedded()
    it.world.domains['shop']!.roles['readers'] = ['k8s.admin.callback']
    const headers = {
      'content-type': 'application/x-www-form-urlencoded;charset=utf-8',
      'athenz-principal-auth': await it.owner.token(),
    }
    const answer = await askToken(it, { scope: 'shop:role.readers' }, { headers })
    expect(await claimsIn(it, answer)).not.toHaveProperty('cnf')
  })

  test.each<[string, string, string[], string | undefined]>([
    ['one role', 'shop:role.readers', ['readers'], undefined],
    ['several roles', 'shop:role.readers shop:role.writers', BOTH, undefined],
    ['the same role twice', 'shop:role.readers shop:role.readers', ['readers'], undefined],
    ['upper case', 'SHOP:ROLE.Readers', ['readers'], undefined],
    ['all roles, which the answer names', 'shop:domain', BOTH, 'shop:role.readers shop:role.writers'],
    ['more than there is, which the answer says', 'shop:role.readers shop:role.none', ['readers'], 'shop:role.readers'],
    ['all and one is all', 'shop:role.readers shop:domain', BOTH, 'shop:role.readers shop:role.writers'],
    ['an openid scope, passed over', 'openid shop:service.api shop:role.readers', ['readers'], undefined],
    ['a scope of no known form, passed over', 'profile shop:role.readers', ['readers'], undefined],
  ])('for %s', async (_name, asked, roles, scope) => {
    await using it = await open()
    const answer = await askToken(it, { scope: asked }, { pair: it.pair })
    const grant = grantIn(answer.text)
    expect(grant.scope).toBe(scope)
    expect(grant).not.toHaveProperty('id_token')
    expect(await claimsIn(it, answer)).toMatchObject({ scp: roles, scope: roles.join(' ') })
  })

  test.each<[string, string, number | undefined, number | undefined, number]>([
    ['as long as is wished', '600', undefined, undefined, 600],
    ['two hours for a wish of zero', '0', undefined, undefined, 7_200],
    ['two hours for a wish that cannot be read', 'long', undefined, undefined, 7_200],
    ['thirty days at most', '99999999', undefined, undefined, 2_592_000],
    ['no longer than the domain allows', '7200', 30, undefined, 1_800],
    ['no longer than the role allows, whatever the domain does', '7200', 30, 60, 3_600],
  ])('lives %s', async (_name, wish, ofDomain, ofRole, seconds) => {
    await using it = await open()
    const shop = it.world.domains['shop']!
    if (ofDomain !== undefined) shop.tokenExpiryMinutes = ofDomain
    if (ofRole !== undefined) shop.roleSettings = { readers: { tokenExpiryMinutes: ofRole } }
    const form = { scope: 'shop:role.readers', expires_in: wish }
    const answer = await askToken(it, form, { pair: it.pair })
    const { iat, exp } = (await claimsIn(it, answer)) as { iat: number; exp: number }
    expect([grantIn(answer.text).expires_in, exp - iat]).toEqual([seconds, seconds])
  })

  test('comes with an id token where the server is set to give one', async () => {
    await using it = await open()
    it.world.idTokens = true
    const form = { scope: 'openid shop:service.api shop:domain', expires_in: '99999' }
    const { id_token: idToken = '', scope } = grantIn((await askToken(it, form, { pair: it.pair })).text)
    expect(scope).toBe('shop:role.readers shop:role.writers openid')
    const { header, claims, isSigned } = await read(it, idToken)
    expect([header, isSigned]).toEqual([{ kid: '0', alg: 'ES256' }, true])
    expect(claims).toMatchObject({ sub: 'shop.web', aud: 'shop.api' })
    expect((claims['exp'] as number) - (claims['iat'] as number)).toBe(43_200)
  })

  test('is for somebody else only by whoever may ask for others, and for the roles of both', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'bank.teller')
    const form = { scope: 'shop:domain', proxy_for_principal: 'shop.web' }
    const message = 'postAccessTokenRequest: Principal: bank.teller not authorized for proxy access token request'
    expect(await askToken(it, form, { pair })).toMatchObject({ status: 403, message })
    it.world.proxyUsers.push('bank.teller')
    allowRole(it.world, 'shop', 'tellers', ['bank.teller'])
    const claims = await claimsIn(it, await askToken(it, form, { pair }))
    expect(claims).toMatchObject({ sub: 'shop.web', proxy: 'bank.teller', scp: ['writers'] })
  })
})

const notIncluded = (which: string) =>
  `postaccesstokenrequest: principal shop.till is not included in ${which} in domain shop`

describe('refusals', () => {
  test.each<[string, Record<string, string>, number, string]>([
    ['two domains', { scope: 'shop:role.readers bank:role.x' }, 400, 'Multiple domains in scope'],
    ['no domain', { scope: 'profile' }, 400, 'No domains in scope'],
    ['no scope', {}, 400, 'Invalid request: no scope provided'],
    ['another grant', { grant_type: 'password', scope: 'shop:domain' }, 400, 'Invalid grant request: password'],
    ['no grant', { grant_type: '', scope: 'shop:domain' }, 400, 'Invalid request: no grant type provided'],
    ['an unknown domain', { scope: 'x:domain' }, 404, 'No such domain: x'],
    ['two services', { scope: 'openid shop:service.a shop:service.b' }, 400, 'Multiple services in scope'],
  ])('of %s', async (_name, form, status, message) => {
    await using it = await open()
    expect(await askToken(it, form, { pair: it.pair })).toMatchObject({ status, message })
  })

  test('of whoever has no such role', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'shop.till')
    const one = await askToken(it, { scope: 'shop:role.readers' }, { pair })
    expect(one).toMatchObject({ status: 403, message: notIncluded('the requested role(s)') })
    const all = await askToken(it, { scope: 'shop:domain' }, { pair })
    expect(all).toMatchObject({ status: 403, message: notIncluded('any role') })
  })

  test('of whoever is nobody', async () => {
    await using it = await open()
    expect(await askToken(it, { scope: 'shop:domain' })).toMatchObject({ status: 401, message: 'Invalid credentials' })
  })

  test('of JSON, with a page', async () => {
    await using it = await open()
    const headers = { 'content-type': 'application/json' }
    const { status, headers: answered } = await askToken(it, { scope: 'shop:domain' }, { pair: it.pair, headers })
    expect([status, answered['content-type']]).toEqual([415, 'text/html;charset=iso-8859-1'])
  })
})
