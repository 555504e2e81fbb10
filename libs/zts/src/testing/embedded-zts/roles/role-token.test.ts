import { describe, expect, test } from 'vitest'
import { publishedKeys } from '../../contract-call.ts'
import { openEmbedded } from '../../open-embedded.ts'
import { readRoleToken } from '../../published-keys.ts'
import { askRoleToken, pairOf, withReaders } from './role-calls.ts'

async function open() {
  const it = await openEmbedded()
  withReaders(it)
  const pair = await pairOf(it)
  const fieldsIn = async ({ text }: { readonly text: string }) =>
    readRoleToken((JSON.parse(text) as { token: string }).token, await publishedKeys(it))
  return { ...it, pair, fieldsIn }
}

describe('a role token', () => {
  test('says whose it is, which roles, from where and until when, signed by the key that is shown', async () => {
    await using it = await open()
    const answer = await askRoleToken(it, 'shop/token?role=readers', { pair: it.pair })
    expect(answer.status).toBe(200)
    const { fields, isSigned } = await it.fieldsIn(answer)
    expect(isSigned).toBe(true)
    expect(Object.keys(fields)).toEqual(['v', 'd', 'r', 'p', 'h', 'a', 't', 'e', 'k', 'i'])
    const expected = { v: 'Z1', d: 'shop', r: 'readers', p: 'shop.web', h: 'sys.auth.zts', k: '0', i: '127.0.0.1' }
    expect(fields).toMatchObject(expected)
    expect(Number(fields['e']) - Number(fields['t'])).toBe(7_200)
    expect(JSON.parse(answer.text)).toMatchObject({ expiryTime: Number(fields['e']) })
    const told = { operation: 'role-token', principal: 'shop.web', domain: 'shop', roles: ['readers'], status: 200 }
    expect(it.server.calls()[0]).toMatchObject({ ...told, expirySeconds: 7_200 })
  })

  test.each<[string, string, Record<string, string | undefined>]>([
    ['every role, and says that these are all', 'shop/token', { r: 'readers,writers', c: '1' }],
    ['an empty list is no list', 'shop/token?role=', { r: 'readers,writers', c: '1' }],
    ['several roles', 'shop/token?role=writers,readers', { r: 'readers,writers', c: undefined }],
    ['only those that there are', 'shop/token?role=readers,none', { r: 'readers', c: undefined }],
    ['a domain in upper case', 'SHOP/token?role=Readers', { d: 'shop', r: 'readers' }],
  ])('%s', async (_name, path, expected) => {
    await using it = await open()
    const { fields } = await it.fieldsIn(await askRoleToken(it, path, { pair: it.pair }))
    for (const [field, value] of Object.entries(expected)) expect(fields[field]).toBe(value)
  })

  test.each([
    ['at most so long', 'maxExpiryTime=600', 600],
    ['at least so long', 'minExpiryTime=9000', 9_000],
    ['at least less than it would anyhow', 'minExpiryTime=600', 7_200],
    ['the most counts before the least', 'minExpiryTime=9000&maxExpiryTime=600', 600],
    ['zero is no wish', 'minExpiryTime=0&maxExpiryTime=0', 7_200],
    ['nor is less', 'maxExpiryTime=-5', 7_200],
  ])('lives %s', async (_name, wish, seconds) => {
    await using it = await open()
    const { fields } = await it.fieldsIn(await askRoleToken(it, `shop/token?role=readers&${wish}`, { pair: it.pair }))
    expect(Number(fields['e']) - Number(fields['t'])).toBe(seconds)
  })

  test('is for somebody else only by whoever may ask for others', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'bank.teller')
    const path = 'shop/token?role=writers&proxyForPrincipal=shop.web'
    const message = 'getRoleToken: Principal: bank.teller not authorized for proxy role token request'
    expect(await askRoleToken(it, path, { pair })).toMatchObject({ status: 403, message })
    it.world.proxyUsers.push('bank.teller')
    const { fields } = await it.fieldsIn(await askRoleToken(it, path, { pair }))
    expect(fields).toMatchObject({ p: 'shop.web', proxy: 'bank.teller', r: 'writers' })
  })
})

describe('refusals', () => {
  test.each([
    ['an unknown domain', 'x/token', 404, 'getRoleToken: No such domain: x'],
    ['no role among those asked for', 'shop/token?role=none', 403, /the requested role\(s\) in domain shop$/],
    ['no role at all', 'bank/token', 403, /^getroletoken: principal shop.web is not included in any role in/],
    ['a number that is none', 'shop/token?maxExpiryTime=long', 404, undefined],
    ['a name that is none', 'shop/token?role=a%20b', 400, /EntityList/],
  ])('of %s', async (_name, path, status, message) => {
    await using it = await open()
    const answer = await askRoleToken(it, path, { pair: it.pair })
    expect(answer.status).toBe(status)
    if (message === undefined) expect(answer.text).toContain('<html>')
    else expect(answer.message).toMatch(message)
  })

  test('of more than the role of the certificate that asks', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'shop:role.readers', ['athenz://principal/shop.web'])
    expect(await askRoleToken(it, 'shop/token?role=readers', { pair })).toMatchObject({ status: 200 })
    const message = 'getRoleToken: Role based Principal does not include all roles'
    expect(await askRoleToken(it, 'shop/token', { pair })).toMatchObject({ status: 403, message })
  })

  test('of whoever is nobody', async () => {
    await using it = await open()
    expect(await askRoleToken(it, 'shop/token')).toMatchObject({ status: 401, message: 'Invalid credentials' })
  })
})
