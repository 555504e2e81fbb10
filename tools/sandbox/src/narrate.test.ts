import { expect, test } from 'vitest'
import { narrator } from './narrate.ts'
import type { Moment, Timeline } from './timeline.ts'

function open() {
  const told: Moment[] = []
  const timeline: Timeline = { tell: (moment) => void told.push(moment), chapter: () => undefined, close: () => undefined, moments: [] }
  return { told, events: narrator(timeline) }
}

const call = { at: 0, clientPort: 1, durationMs: 20, status: 201, operation: 'register', domain: 'shop', service: 'web' } as const

test('a register is two moments: what ZTS asked the callback, and what it answered', () => {
  const { told, events } = open()
  events.zts?.({ ...call, callback: { status: 200, durationMs: 9 } })
  expect(told).toEqual([
    { from: 'zts', to: 'callback', what: 'is shop.web true?', outcome: 'yes (200)', ms: 9 },
    { from: 'identity-agent', to: 'zts', what: 'register shop.web', outcome: 'yes (201)', ms: 20 },
  ])
})

test.each([
  ['a refusal', { status: 403, callback: { status: 403, durationMs: 1 } }, ['no (403)', 'no (403)']],
  ['a connection that was cut', { status: undefined }, ['no answer']],
  ['a callback that did not answer', { status: 504, callback: { status: undefined, durationMs: 1 } }, ['no answer', 'no (504)']],
])('%s is told as such', (_what, facts, outcomes) => {
  const { told, events } = open()
  events.zts?.({ ...call, ...facts })
  expect(told.map(({ outcome }) => outcome)).toEqual(outcomes)
})

test('a program that ends though nobody asked it to is told', () => {
  const { told, events } = open()
  events.down?.('jwt-service', 128)
  expect(told).toMatchObject([{ from: 'jwt-service', outcome: 'exit 128' }])
})

test.each([
  ['refresh-service', 'control-sia'],
  ['delete', 'callback'],
  ['refresh', 'identity-agent'],
] as const)('%s at ZTS is asked by %s', (operation, from) => {
  const { told, events } = open()
  events.zts?.({ ...call, operation })
  expect(told).toMatchObject([{ from, to: 'zts' }])
})

const user = (account: string) => `system:serviceaccount:k8s-admin:${account}`
const api = { method: 'GET', path: '/api/v1/namespaces/shop/pods/web-0', username: user('athenz-callback'), status: 200 }

test.each([
  ['a look at a pod', api, { from: 'callback', to: 'api server', what: 'where is shop/web-0, and what?', outcome: 'yes (200)' }],
  ['a pod that is not there', { ...api, username: user('athenz-jwt-service'), status: 404 }, { from: 'jwt-service', outcome: 'no (404)' }],
  ['a lease', { ...api, method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/k8s-admin/leases', status: 201 }, { what: 'first use of this document or instance?' }],
  ['a review of a token', { ...api, method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', status: 201 }, { from: 'callback', what: 'whose token is this, and of which pod?' }],
  [
    'a change of the bundle',
    { ...api, method: 'PATCH', path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/athenz-initializer', username: user('athenz-initializer') },
    { from: 'initializer', what: 'these are my authorities now', outcome: 'yes (200)' },
  ],
])('%s is told', (_what, record, moment) => {
  const { told, events } = open()
  events.api?.({ durationMs: 1, ...record } as never)
  expect(told).toMatchObject([moment])
})

test.each([
  ['calls of users', { ...api, username: 'sandbox-admin' }],
  ['calls of the kubelet', { ...api, username: 'system:node:node-1' }],
  ['calls of nobody', { ...api, username: undefined }],
  ['watches', { ...api, path: '/api/v1/pods?watch=1' }],
  ['looks at settings', { ...api, path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/athenz-initializer' }],
  ['the rest', { ...api, path: '/apis/coordination.k8s.io/v1/namespaces/k8s-admin/leases' }],
])('%s are not', (_what, record) => {
  const { told, events } = open()
  events.api?.({ durationMs: 1, ...record } as never)
  expect(told).toEqual([])
})

test.each([
  ['volume identity mounted', undefined, true],
  ['sia-init terminated', 'exit 77', true],
  ['volume identity failed', 'Error: not now', true],
  ['main running', undefined, true],
  ['deleted', undefined, true],
  ['main waiting', undefined, false],
  ['status not reported', 'Error', false],
])("the kubelet's %s is told: %s %s", (step, detail, shown) => {
  const { told, events } = open()
  events.pod?.({ namespace: 'shop', name: 'web-0' }, step, detail)
  expect(told).toEqual(shown ? [{ from: 'kubelet', what: `shop/web-0: ${step}`, ...(detail === undefined ? {} : { outcome: detail }) }] : [])
})

test.each([
  [{ msg: 'identity issued', pod: 'shop/web-0', durationMs: 31 }, { from: 'identity-agent', outcome: 'issued', ms: 31 }],
  [{ msg: 'document signed', pod: 'shop/web-0' }, { from: 'identity-agent', to: 'identity-agent', outcome: 'signed' }],
  [{ msg: 'request refused', pod: 'shop/web-0', reason: 'POD_TERMINATING' }, { what: 'shop/web-0: request refused', outcome: 'POD_TERMINATING' }],
  [
    { msg: 'a handle was used by another pod than it was made for', pod: 'shop/web-0', reason: 'HANDLE_PEER_MISMATCH' },
    { what: 'shop/web-0: its handle was used by another pod', outcome: 'HANDLE_PEER_MISMATCH' },
  ],
  [{ msg: 'something refused', reason: 'NOT_A_POD' }, { what: 'something refused', outcome: 'NOT_A_POD' }],
])('of a log, %j is told', (record, moment) => {
  const { told, events } = open()
  events.log?.('identity-agent', record)
  expect(told).toMatchObject([moment])
})

test('what a log says besides is not', () => {
  const { told, events } = open()
  events.log?.('identity-agent', { msg: 'volume served', pod: 'shop/web-0' })
  expect(told).toEqual([])
})
