/** The wire as a Go client of the original sends and reads it, byte by byte (spec/athenz-suite.md 3.1, 7.1). */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { X509Certificate } from 'node:crypto'
import { unlinkSync, writeFileSync } from 'node:fs'
import { IdentityError } from '@pallas/identity'
import { readCertificate } from '@pallas/x509'
import { ZtsError } from '@pallas/zts'
import { expect, test } from 'vitest'
import { kindsOf, NAMES, oneLivePod, pem, POD, waitUntil } from './testing/one-pod.ts'
import { whileTimePasses } from './testing/time-passes.ts'
import type { World } from './testing/world.ts'

interface RawReply {
  readonly status: number
  readonly head: string
  readonly body: Readonly<Record<string, unknown>>
}

async function raw(path: string, bytes: string): Promise<RawReply> {
  const socket = connect(path)
  socket.write(bytes)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), head, body: JSON.parse(body) as Record<string, unknown> }
}

/** As `http.Client` of Go writes a request; it closes here so that the answer has an end. */
const goPost = (target: string, headers: readonly string[], body = '') =>
  [
    `POST ${target} HTTP/1.1`,
    'Host: socket.path',
    'User-Agent: Go-http-client/1.1',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    'Accept-Encoding: gzip',
    'Connection: close',
    '',
    body,
  ].join('\r\n')

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

test.each([
  ['no content type', []],
  ['an empty content type', ['Content-Type: ']],
  ['json', ['Content-Type: application/json']],
  ['json with a charset', ['Content-Type: application/json; charset=utf-8']],
  ['a form', ['Content-Type: application/x-www-form-urlencoded']],
  ['a type that is none', ['Content-Type: ;;']],
])('init without a body and with %s gives the four fields of the original, each as it reads them (C4, C7)', async (_name, headers) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { status, head, body } = await raw(world.pathsOf(handle).socket, goPost(`/v1/init/${handle}`, headers))
  expect([status, Object.keys(body).sort()]).toEqual([200, ['caCertPEM', 'certPEM', 'keyPEM', 'ntoken']])
  expect(head).toMatch(/^content-type: application\/json/im)
  for (const name of ['keyPEM', 'certPEM', 'caCertPEM']) expect(body[name]).toMatch(BASE64)
  const leaf = readCertificate(pem(body['certPEM']))
  expect({ commonName: leaf.commonName, dns: leaf.names.dns, ip: leaf.names.ip, uri: leaf.names.uri }).toEqual(NAMES)
  expect(pem(body['certPEM']).match(/BEGIN CERTIFICATE/g)).toHaveLength(1)
  expect(new X509Certificate(pem(body['certPEM'])).verify(new X509Certificate(pem(body['caCertPEM'])).publicKey)).toBe(true)
})

test.each([
  ['as the original writes them', 'keyPEM', 'certPEM'],
  ['as its first version wrote them', 'KeyPEM', 'CertPEM'],
  ['in lower case', 'keypem', 'certpem'],
  ['in upper case', 'KEYPEM', 'CERTPEM'],
])('refresh takes the previous pair under keys %s, and unknown ones besides (C4)', async (_name, key, cert) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { socket } = world.pathsOf(handle)
  const first = await raw(socket, goPost(`/v1/init/${handle}`, []))
  const pair = JSON.stringify({ [key]: first.body['keyPEM'], [cert]: first.body['certPEM'], more: true })
  const { status, body } = await raw(socket, goPost(`/v1/refresh/${handle}`, ['Content-Type: application/json'], pair))
  expect([status, kindsOf(world)]).toEqual([200, ['register', 'refresh']])
  expect(body['keyPEM']).not.toBe(first.body['keyPEM'])
  expect(new X509Certificate(pem(body['certPEM'])).subject).toBe(new X509Certificate(pem(first.body['certPEM'])).subject)
})

type Fault = (world: World, paths: ReturnType<World['pathsOf']>) => void

/** What the original says, what we say: a client of the original knows "not 200" alone (C4). */
const INIT: readonly (readonly [string, number, number, string, Fault])[] = [
  ['the kubelet fails', 400, 503, 'KUBELET_UNAVAILABLE', (world) => (world.pods = new Error('away'))],
  ['another pod has the name', 400, 403, 'POD_UNKNOWN', (world) => (world.pods = [{ ...POD, uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11' }])],
  ['the pod has ended', 200, 403, 'POD_ENDED', (world) => (world.pods = [{ ...POD, phase: 'Succeeded' }])],
  ['the JWT service fails', 500, 503, 'SIGNER_UNAVAILABLE', (world) => (world.signer = new IdentityError('SIGNER_UNAVAILABLE', 'away'))],
  ['ZTS fails', 500, 503, 'ISSUER_UNAVAILABLE', (world) => world.issuer.willFail(new ZtsError('ZTS_UNREACHABLE', 'x'))],
  ['ZTS refuses', 500, 403, 'ISSUER_DENIED', (world) => world.issuer.willFail(new ZtsError('ZTS_REFUSED', 'x', { status: 403 }))],
]

test.each(INIT)('deviation: where %s the original says %i to init, we say %i %s (C4)', async (_name, original, ours, code, fault) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  fault(world, world.pathsOf(handle))
  const reply = await whileTimePasses(world, raw(world.pathsOf(handle).socket, goPost(`/v1/init/${handle}`, [])))
  expect([reply.status, reply.body['code']]).toEqual([ours, code])
  expect(original).not.toBe(ours)
})

test('deviation: an address that is not there yet is waited for, where the original fails with 500 (W29, C4)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [{ ...POD, ip: '' }]
  const reply = raw(world.pathsOf(handle).socket, goPost(`/v1/init/${handle}`, []))
  await waitUntil(() => world.kubeletCalls === 1)
  world.pods = [POD]
  await world.clock.advance(500)
  expect((await reply).status).toBe(200)
})

test.each([
  ['a body that is no json', '{', 400],
  ['no body', '', 400],
  ['fields that are no base64', '{"keyPEM":"*","certPEM":"*"}', 400],
])('refresh with %s is a bad request, as of the original (C4)', async (_name, body, status) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const reply = await raw(world.pathsOf(handle).socket, goPost(`/v1/refresh/${handle}`, [], body))
  expect([reply.status, reply.body['code']]).toEqual([status, 'BODY_INVALID'])
})

test('deviation: a key of another certificate is a bad request, which the original did not notice (W24, C4)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { socket } = world.pathsOf(handle)
  const [one, other] = [await raw(socket, goPost(`/v1/init/${handle}`, [])), await raw(socket, goPost(`/v1/init/${handle}`, []))]
  const pair = JSON.stringify({ keyPEM: one.body['keyPEM'], certPEM: other.body['certPEM'] })
  const reply = await raw(socket, goPost(`/v1/refresh/${handle}`, [], pair))
  expect([reply.status, reply.body['code']]).toEqual([400, 'CREDENTIALS_INVALID'])
  expect(kindsOf(world)).toEqual(['register', 'register'])
})

test.each<[string, (path: string) => void]>([
  ['is gone', (path) => unlinkSync(path)],
  ['is broken', (path) => writeFileSync(path, '{')],
  ['is of the original', (path) => writeFileSync(path, '{"Domain":"media.on-air","Service":"web","InstanceID":"web-0","SANNames":[],"SANIPs":[],"SANURIs":[]}')],
])('deviation: where context.json %s a refresh is a new register, not 400 (C3, C4)', async (_name, spoil) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { socket, context } = world.pathsOf(handle)
  const first = await raw(socket, goPost(`/v1/init/${handle}`, []))
  spoil(context)
  const pair = JSON.stringify({ keyPEM: first.body['keyPEM'], certPEM: first.body['certPEM'] })
  expect((await raw(socket, goPost(`/v1/refresh/${handle}`, [], pair))).status).toBe(200)
  expect(kindsOf(world)).toEqual(['register', 'register'])
})

const idOf = ({ head }: RawReply) => /^x-request-id: (\S+)/im.exec(head)?.[1]

test('an answer carries the id of its request, an error too, and the log has what was done under it (W28)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { socket } = world.pathsOf(handle)
  const good = await raw(socket, goPost(`/v1/init/${handle}`, ['X-Request-Id: forged']))
  const [issued] = world.memory.records.filter(({ msg }) => msg === 'identity issued')
  expect(issued).toMatchObject({ requestId: idOf(good), jti: 'jti-0' })
  const bad = await raw(socket, goPost('/v1/init/x', []))
  const [refused] = world.memory.records.filter(({ msg }) => msg === 'request refused')
  expect(refused).toMatchObject({ requestId: idOf(bad), reason: 'HANDLE_INVALID' })
  expect([idOf(good), idOf(bad)]).not.toContain('forged')
})
