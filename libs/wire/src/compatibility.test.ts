/** What stands on the wire, in the volume tree and in the cluster's file as the original has it (spec/athenz-suite.md 1.3, 2, 3, 4, 18). */
import { createHash } from 'node:crypto'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { parseClusterConfig } from './cluster-config.ts'
import {
  AGENT_ROUTES,
  credentialsAnswer,
  JWT_ROUTES,
  jwtRequest,
  parseCredentialsAnswer,
  parseHandle,
  parseInitRequest,
  parseJwtAnswer,
  parseJwtRequest,
  parseRefreshRequest,
  parseVolumeData,
  VOLUME_MODES,
  volumePaths,
} from './index.ts'
import { signingKeySetting } from './signing-keys.ts'

const { certPem } = await TestCa.create()
const base64 = (text: string) => Buffer.from(text).toString('base64')
const HANDLE = parseHandle(createHash('sha256').update('/var/lib/kubelet/pods/x/volumes/y/sia-identity').digest('base64url'))

test('the paths of the agent are the original ones (C4)', () => {
  expect(AGENT_ROUTES).toMatchObject({ init: '/v1/init/', refresh: '/v1/refresh/' })
})

const PAIR = { keyPem: 'KEY\n', certPem: 'CERT\n' }

test('an init has no body (C4)', () => {
  expect(parseInitRequest('')).toEqual({ origin: 'agent' })
})

test.each([
  ['as documented', { keyPEM: base64(PAIR.keyPem), certPEM: base64(PAIR.certPem) }],
  ['as the initial commit wrote it', { KeyPEM: base64(PAIR.keyPem), CertPEM: base64(PAIR.certPem) }],
  ['with more than is asked for', { keyPEM: base64(PAIR.keyPem), certPEM: base64(PAIR.certPem), extra: {} }],
])('a refresh %s is base64 of the PEM text of the previous pair, its keys in any case (C4)', (_name, body) => {
  expect(parseRefreshRequest(JSON.stringify(body))).toEqual({ origin: 'agent', previous: PAIR })
})

test('credentials are ntoken as text and three PEMs in base64 (C4)', () => {
  const body = { ntoken: 'v=S1', keyPEM: base64('KEY'), certPEM: base64('CERT'), caCertPEM: base64('CA') }
  const credentials = { ntoken: 'v=S1', keyPem: 'KEY', certPem: 'CERT', caPem: 'CA' }
  expect(parseCredentialsAnswer(JSON.stringify(body))).toMatchObject(credentials)
  expect(credentialsAnswer(credentials)).toEqual(body)
})

test('the JWT service is asked at /v1/jwt in capitals, and reads any case (C5)', () => {
  expect(JWT_ROUTES.jwt).toBe('/v1/jwt')
  const subject = { namespace: 'user-apps', name: 'web-0', domain: 'user.apps', service: 'web', ip: '10.1.2.3' }
  const body = { subject: { ID: 'user-apps/web-0', Domain: 'user.apps', Service: 'web', IP: '10.1.2.3' } }
  expect(jwtRequest({ ...subject, uid: undefined })).toEqual(body)
  expect(parseJwtRequest(JSON.stringify(body).toLowerCase())).toEqual({ ...subject, uid: undefined })
  expect(parseJwtAnswer('{"jwt":"e30.e30.e30"}')).toBe('e30.e30.e30')
})

test('DEVIATION: what the original answers 500 to is 400: a subject with an empty member (C5)', () => {
  const body = { subject: { ID: 'user-apps/web-0', Domain: '', Service: 'web', IP: '10.1.2.3' } }
  expect(() => parseJwtRequest(JSON.stringify(body))).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
})

test('the volume tree is the original one, and a handle has 43 characters of base64url (C3)', () => {
  expect(HANDLE).toHaveLength(43)
  expect(volumePaths('/var/athenz/volumes', HANDLE)).toEqual({
    root: `/var/athenz/volumes/${HANDLE}`,
    data: `/var/athenz/volumes/${HANDLE}/data.json`,
    context: `/var/athenz/volumes/${HANDLE}/context.json`,
    mount: `/var/athenz/volumes/${HANDLE}/mount`,
    id: `/var/athenz/volumes/${HANDLE}/mount/id`,
    connect: `/var/athenz/volumes/${HANDLE}/mount/connect`,
    socket: `/var/athenz/volumes/${HANDLE}/mount/connect/agent.sock`,
  })
})

test('DEVIATION: a pod that is not root can read its id and reach the socket, and state is root’s (C3, W13)', () => {
  expect(VOLUME_MODES).toEqual({ sockets: 0o700, root: 0o750, state: 0o600, mount: 0o755, connect: 0o755, id: 0o444 })
})

test('DEVIATION: data.json says more than namespace and name, and needs it (C3, W8)', () => {
  expect(() => parseVolumeData('{"namespace":"user-apps","name":"web-0"}')).toThrow()
})

const indented = certPem.trim().replaceAll('\n', '\n    ')
const FILE = `
dns-suffix: svc.cluster.local
admin-domain: k8s.admin
zts-endpoint: https://mock-athenz.k8s-admin.svc.cluster.local:4443/zts/v1
provider-service: k8s.admin.athenz-callback
auth-header: Athenz-Principal-Auth
trust-roots:
  athenz: |
    ${indented}
  athenz-service: |
    ${indented}
`

test('the cluster file that setup.sh writes is read as it is (C10)', () => {
  expect(parseClusterConfig(FILE)).toMatchObject({
    dnsSuffix: 'svc.cluster.local',
    adminDomain: 'k8s.admin',
    ztsEndpoint: 'https://mock-athenz.k8s-admin.svc.cluster.local:4443/zts/v1',
    providerService: 'k8s.admin.athenz-callback',
    authHeader: 'Athenz-Principal-Auth',
    trustRoots: { athenz: certPem, athenzService: certPem },
  })
})

test('system-namespaces of its last commit is read (C10)', () => {
  expect(parseClusterConfig(`${FILE}system-namespaces: [monitoring]\n`).systemNamespaces).toEqual(['monitoring'])
})

test('DEVIATION: a key that is missing or unknown is told at the start, not when it is needed (C10, W24)', () => {
  expect(() => parseClusterConfig(FILE.replace('dns-suffix', 'dns-sufix'))).toThrow(
    expect.objectContaining({ problems: ['dns-suffix is missing', 'dns-sufix is not a key of this file'] }),
  )
})

test('keys of documents are called as in the original (C6, C10)', () => {
  expect(signingKeySetting.secretName).toMatchObject({ env: 'SECRET_PREFIX', default: 'athenz-init-secret' })
})
