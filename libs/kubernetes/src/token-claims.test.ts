import { expect, test } from 'vitest'
import { tokenClaimsOf } from './token-claims.ts'

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

const NOTHING = { audiences: [], subject: undefined, expiresAt: undefined, namespace: undefined, pod: undefined, node: undefined }

test('a token bound to a pod says whose it is', () => {
  const claims = tokenClaimsOf(
    bytes({
      aud: ['k8s.admin.callback'],
      sub: 'system:serviceaccount:k8s-admin:identity-agent',
      exp: 1_800_000_000,
      'kubernetes.io': {
        namespace: 'k8s-admin',
        node: { name: 'node-1', uid: 'n' },
        pod: { name: 'agent-x', uid: 'u' },
        serviceaccount: { name: 'identity-agent', uid: 's' },
      },
    }),
  )
  expect(claims).toEqual({
    audiences: ['k8s.admin.callback'],
    subject: 'system:serviceaccount:k8s-admin:identity-agent',
    expiresAt: 1_800_000_000,
    namespace: 'k8s-admin',
    pod: { name: 'agent-x', uid: 'u' },
    node: 'node-1',
  })
})

test('one audience may stand without its list', () => {
  expect(tokenClaimsOf(bytes({ aud: 'a' })).audiences).toEqual(['a'])
})

test.each([
  ['nothing', ''],
  ['no JSON', '{"sub":'],
  ['a list', [{ sub: 'x' }]],
  ['null', 'null'],
  ['claims of other types', { aud: [1, null, {}], sub: 1, exp: '1', 'kubernetes.io': [{ pod: {} }] }],
  ['a binding that is text', { 'kubernetes.io': 'pod' }],
  ['members of other types', { 'kubernetes.io': { namespace: {}, pod: 'x', node: { name: ['n'] } } }],
])('%s claims nothing', (_, payload) => {
  expect(tokenClaimsOf(bytes(payload))).toEqual(NOTHING)
})

test('what is no UTF-8 claims nothing, whatever could be made of it', () => {
  const good = bytes({ sub: 'ab' })
  const bad = Uint8Array.from(good, (byte) => (byte === 0x61 ? 0xff : byte))
  expect(tokenClaimsOf(good).subject).toBe('ab')
  expect(tokenClaimsOf(bad)).toEqual(NOTHING)
})

test('a pod without a name or of another type of name has none', () => {
  expect(tokenClaimsOf(bytes({ 'kubernetes.io': { pod: { uid: 7 } } })).pod).toEqual({ name: undefined, uid: undefined })
})
