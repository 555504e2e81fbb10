import { IdentityError, type Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import type { SubjectRequest } from '@pallas/wire'
import { expect, test } from 'vitest'
import { checkSubject } from './check-subject.ts'
import { asked } from './testing/asked.ts'

const subject = { namespace: 'media-on--air', name: 'web-0', domain: 'media.on-air', service: 'web', ip: '10.1.2.3' }
const noIp = someNameRules({ hostNetwork: 'no-ip' })

test('a pod of the node has the subject that follows from it', () => {
  expect(checkSubject(asked, aPod(), 'node-1', someNameRules())).toEqual(subject)
})

test.each<[string, Partial<SubjectRequest>, Partial<Pod>]>([
  ['the agent of the original names no UID', { uid: undefined }, {}],
  ['it is terminating: it may renew', {}, { deleting: true }],
])('also when %s', (_name, request, pod) => {
  expect(checkSubject({ ...asked, ...request }, aPod(pod), 'node-1', someNameRules())).toEqual(subject)
})

test('a pod on its host network has the address of the host in its subject, where the policy takes such pods', () => {
  expect(checkSubject(asked, aPod({ hostNetwork: true }), 'node-1', noIp)).toEqual(subject)
})

test.each<[string, string, Partial<SubjectRequest>, Partial<Pod>]>([
  ['a pod on another node', 'POD_ON_OTHER_NODE', {}, { node: 'node-2' }],
  ['a pod that is on no node', 'POD_ON_OTHER_NODE', {}, { node: '' }],
  [
    'a pod on another node, whatever else is wrong',
    'POD_ON_OTHER_NODE',
    { domain: 'x' },
    { node: 'node-2', phase: 'Failed' },
  ],
  ['another pod under that name', 'POD_UNKNOWN', { uid: '11111111-2222-3333-4444-555555555555' }, {}],
  ['a pod that succeeded', 'POD_ENDED', {}, { phase: 'Succeeded' }],
  ['a pod that failed', 'POD_ENDED', {}, { phase: 'Failed' }],
  ['another domain', 'DOMAIN_MISMATCH', { domain: 'media.onair' }, {}],
  ['another service', 'SERVICE_MISMATCH', { service: 'web2' }, {}],
  ['another address', 'SUBJECT_MISMATCH', { ip: '10.1.2.4' }, {}],
  ['an address that is none', 'SUBJECT_MISMATCH', { ip: 'localhost' }, {}],
  ['a pod without an address yet', 'POD_IP_PENDING', {}, { ip: '' }],
  ['a pod on its host network', 'HOST_NETWORK_REFUSED', {}, { hostNetwork: true }],
  ['a service account with a dot', 'SERVICE_REFUSED', {}, { serviceAccount: 'a.b' }],
  ['a namespace below the admin domain', 'NAMESPACE_REFUSED', {}, { namespace: 'k8s-admin-kube--system' }],
])('%s: %s (W5, W8)', (_name, code, request, pod) => {
  const check = () => checkSubject({ ...asked, ...request }, aPod(pod), 'node-1', someNameRules())
  expect(check).toThrow(IdentityError)
  expect(check).toThrow(expect.objectContaining({ code }))
})
