import { IdentityError } from '@pallas/identity'
import { ZtsError } from '@pallas/zts'
import { expect, test } from 'vitest'
import { oneLivePod } from './testing/one-pod.ts'
import { issuerError } from './zts-refusal.ts'

const refused = (detail: string) => new ZtsError('ZTS_REFUSED', 'zts refused', { status: 403, detail })

test.each([
  ["provider 'k8s.identity' not authorized to launch shop.till instances", 'the domain does not allow the provider to launch this service'],
  ["provider 'k8s.identity' not authorized to launch instances in Athenz", 'it allows the provider no instances at all'],
  ['Service not registered in domain', 'the service is not registered in its domain'],
  ['Domain not found: nosuch', 'there is no such domain'],
  ['CSR validation failed - Unable to validate CSR common name', 'it does not allow the names'],
  ['unable to verify attestation data: Error reading entity from input stream. client: x clientIP: 10.9.8.7', 'the callback did not confirm the pod'],
])('of %j the pod hears our words, the log those of ZTS', (detail, explanation) => {
  const error = issuerError(refused(detail))
  expect(error).toMatchObject({ code: 'ISSUER_DENIED', message: `zts refused the identity: ${explanation}`, fields: { detail } })
})

test('what ZTS may say besides is not passed on', () => {
  expect(issuerError(refused('something new about 10.9.8.7'))).toMatchObject({ message: 'zts refused the identity' })
})

test('what goes to the log is one line, short, and holds no key, certificate or document', () => {
  const secret = 'A'.repeat(60) + '.' + 'B'.repeat(60)
  const error = issuerError(refused(`first\nlevel=error \u001b[31m ${secret} ${'x '.repeat(500)}`))
  if (!(error instanceof IdentityError)) throw new Error('not ours')
  const detail = String(error.fields['detail'])
  expect(detail).toMatch(/^first level=error +\[31m \[long\] x x /)
  expect(detail.length).toBe(300)
})

test('the owner of a pod that ZTS refuses learns why, with no stack in the log and nothing of ZTS in the answer', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const detail = "provider 'k8s.identity' not authorized to launch shop.till instances client: SIA clientIP: 10.9.8.7"
  world.issuer.willFail(refused(detail))
  const reply = await world.call(handle, 'init')
  const message = 'zts refused the identity: the domain does not allow the provider to launch this service'
  expect(reply).toMatchObject({ status: 403, body: { code: 'ISSUER_DENIED', message } })
  expect(reply.text).not.toContain('10.9.8.7')
  const record = world.memory.records.find(({ reason }) => reason === 'ISSUER_DENIED')
  expect(record).toMatchObject({ level: 'info', problem: message, facts: { detail }, requestId: reply.headers['x-request-id'] })
  expect(JSON.stringify(record)).not.toContain('stack')
})

const oldDocument = (reason: 'DOCUMENT_EXPIRED' | 'DOCUMENT_REPLAYED' | 'DOCUMENT_SIGNATURE') =>
  new ZtsError('ZTS_REFUSED', 'zts refused', { status: 403, reason })

test.each(['DOCUMENT_EXPIRED', 'DOCUMENT_REPLAYED'] as const)('a document that came too late (%s), as on a machine that slept, is replaced once (T31)', async (reason) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.issuer.will((_call, honest) => (world.issuer.calls.length === 1 ? Promise.reject(oldDocument(reason)) : honest()))
  expect((await world.call(handle, 'init')).status).toBe(200)
  const [first, second, ...more] = world.issuer.calls.map(({ request }) => request.attestationData)
  expect(more).toEqual([])
  expect(second).not.toBe(first)
})

test('once, and not again; any other fault of a document is told at once', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.issuer.willFail(oldDocument('DOCUMENT_EXPIRED'))
  expect(await world.call(handle, 'init')).toMatchObject({ status: 403, body: { code: 'DOCUMENT_EXPIRED' } })
  expect(world.issuer.calls).toHaveLength(2)
  world.issuer.willFail(oldDocument('DOCUMENT_SIGNATURE'))
  expect(await world.call(handle, 'init')).toMatchObject({ status: 403, body: { code: 'DOCUMENT_SIGNATURE' } })
  expect(world.issuer.calls).toHaveLength(3)
})
