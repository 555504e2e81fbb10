import { expect, test } from 'vitest'
import { reviewToken } from './token-reviews.ts'

const USER = {
  username: 'system:serviceaccount:k8s-admin:identity-agent',
  groups: ['system:serviceaccounts'],
  extra: {
    'authentication.kubernetes.io/pod-name': ['agent-x'],
    'authentication.kubernetes.io/pod-uid': ['u-1'],
    'authentication.kubernetes.io/node-name': ['node-1'],
  },
}

const review = (status: unknown) => {
  const api = { create: () => Promise.resolve({ metadata: {}, status }) }
  return reviewToken(api, { token: 't', audiences: ['pallas'] })
}

test('a bound token says its pod and node', async () => {
  expect(await review({ authenticated: true, audiences: ['pallas'], user: USER })).toEqual({
    authenticated: true,
    username: USER.username,
    groups: USER.groups,
    audiences: ['pallas'],
    pod: { name: 'agent-x', uid: 'u-1' },
    node: 'node-1',
  })
})

test.each([
  ['a token of nobody', { user: {}, error: 'invalid bearer token' }],
  ['a token for another audience', { authenticated: true, audiences: ['other'], user: USER }],
  // A server that knows no audiences leaves the field out: the token may be for anyone.
  ['a token for nobody in particular', { authenticated: true, user: USER }],
])('%s is not authenticated', async (_name, status) => {
  expect(await review(status)).toEqual({ authenticated: false })
})

test.each([
  'invalid bearer token',
  '[invalid bearer token, service account token has been invalidated]',
  '[invalid bearer token, service account token has expired]',
  'service account token is not valid yet',
  'service account media/web has been deleted',
  'service account UID (a-1) does not match claim (b-2)',
  'pod UID (a-1) does not match service account pod ref claim (b-2)',
  'serviceaccounts "web" not found',
  '[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]',
  '[invalid bearer token, square/go-jose: error in cryptographic primitive]',
  '[invalid bearer token, invalid signature, no keys found]',
])('that it is not authenticated is clear of: %s', async (error) => {
  expect(await review({ user: {}, error })).toEqual({ authenticated: false })
})

test.each([
  'etcdserver: request timed out',
  'context deadline exceeded',
  '[invalid bearer token, etcdserver: leader changed]',
  '[invalid bearer token, Post "https://hook.test/review": service account token has expired]',
  'service account token claims could not be validated due to unexpected validation error',
  'serviceaccounts "web" is forbidden: not yet',
  'a text\nservice account token has expired',
])('that it is not authenticated may be no verdict with: %s', async (error) => {
  expect(await review({ user: {}, error })).toEqual({ authenticated: false, unclear: error })
})

test('of a long text the beginning is told', async () => {
  expect(await review({ user: {}, error: 'x'.repeat(10_000) })).toEqual({ authenticated: false, unclear: 'x'.repeat(500) })
})

test.each([
  ['no status', undefined, 'status'],
  ['a flag that is a text', { authenticated: 'true', audiences: ['pallas'] }, 'status.authenticated'],
  ['no name', { authenticated: true, audiences: ['pallas'], user: {} }, 'status.user.username'],
  [
    'groups that are no texts',
    { authenticated: true, audiences: ['pallas'], user: { ...USER, groups: [1] } },
    'status.user.groups',
  ],
])('%s is a bad answer', async (_name, status, path) => {
  await expect(review(status)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER', fields: { path } })
})

test('a token is bound to a pod only when name and uid are both said', async () => {
  const user = { ...USER, extra: { 'authentication.kubernetes.io/pod-name': ['agent-x'] } }
  expect(await review({ authenticated: true, audiences: ['pallas'], user })).toMatchObject({
    pod: undefined,
    node: undefined,
  })
})
