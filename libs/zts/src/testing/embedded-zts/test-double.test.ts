/** This test double could stand in for a real ZTS: it gives no key away, and nothing to those whom it does not know. */
import { expect, test } from 'vitest'
import { askToken, callBy } from '../contract-call.ts'
import { instanceOf, registration } from '../contract-world.ts'
import { openEmbedded } from '../open-embedded.ts'
import { post } from './instances/raw-register.ts'
import { askRole, askRoleToken, pairOf, withReaders } from './roles/role-calls.ts'

test('no answer holds a private key, not even that of a refresh (W38)', async () => {
  await using it = await openEmbedded()
  withReaders(it)
  const pair = await pairOf(it)
  const { key, first } = await instanceOf(it)
  const path = '/instance/k8s.identity/shop/cart/pod-1'
  const headers = { 'content-type': 'application/json' }
  const { provider: _p, domain: _d, service: _s, ...wishes } = await registration(it)
  const own = { keyPem: key.pem, certPem: first.x509Certificate }
  const answers = [
    await post(it, { instanceId: 'pod-2' }),
    await callBy(it, path, { method: 'POST', headers, body: JSON.stringify(wishes), pair: own }),
    await askRole(it, {}, { pair }),
    await askToken(it, { scope: 'shop:domain' }, { pair }),
    await askRoleToken(it, 'shop/token', { pair }),
    await callBy(it, '/cacerts/athenz', { pair }),
    await callBy(it, '/oauth2/keys'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 200])
  for (const { text } of answers) {
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain(it.ca.keyPem.split('\n')[1])
    expect(text).not.toMatch(/"d":/)
  }
})

test.each([
  ['POST', '/instance/k8s.identity/shop/cart/pod-1', '{"csr":"csr"}', 401],
  ['POST', '/instance/shop/cart/refresh', '{}', 401],
  ['POST', '/rolecert', '{}', 401],
  ['DELETE', '/instance/k8s.identity/shop/cart/pod-1', undefined, 401],
  ['GET', '/domain/shop/token', undefined, 401],
  ['GET', '/cacerts/athenz', undefined, 401],
] as const)('%s %s with %s gives nothing to nobody (W38)', async (method, path, body, status) => {
  await using it = await openEmbedded()
  const headers = { 'content-type': 'application/json' }
  const answer = await callBy(it, path, body === undefined ? { method } : { method, headers, body })
  expect(answer.status).toBe(status)
})
