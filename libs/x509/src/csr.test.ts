import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCsr, type CsrNames, readCsr, verifyCsr } from './csr.ts'
import { fromPem, toPem } from './pem.ts'
import { someNames } from './testing/arbitraries.ts'
import { nodeKey, nodeVerify } from './testing/node-keys.ts'
import { openssl } from './testing/openssl.ts'

const keys = { 'ec-p256': nodeKey(), rsa: nodeKey('rsa') }
const web: CsrNames = {
  commonName: 'media.on-air.web',
  dns: ['web.media-on-air.svc.cluster.local', '4f14.instanceid.athenz.svc.cluster.local'],
  ip: ['10.1.2.3', '2001:db8::1'],
  uri: ['spiffe://media.on-air/sa/web'],
}

describe.each(['ec-p256', 'rsa'] as const)('with a key of kind %s', (algorithm) => {
  const key = keys[algorithm]

  test('openssl accepts the signature and sees every name in the order of the original (C7, W25)', async () => {
    const csr = await createCsr(web, key)
    const { status, said } = openssl(['req', '-verify', '-noout', '-text', '-in', 'csr'], { csr })
    expect(said).toContain('self-signature verify OK')
    expect(status).toBe(0)
    expect(said).toContain('Subject: CN = media.on-air.web\n')
    expect(said).toContain(
      'DNS:web.media-on-air.svc.cluster.local, DNS:4f14.instanceid.athenz.svc.cluster.local, ' +
        'IP Address:10.1.2.3, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://media.on-air/sa/web\n',
    )
    expect(said).not.toContain('Alternative Name: critical')
  })

  test('openssl accepts a request without alternative names', async () => {
    const csr = await createCsr({ commonName: 'a.b', dns: [], ip: [], uri: [] }, key)
    const { said } = openssl(['req', '-verify', '-noout', '-text', '-in', 'csr'], { csr })
    expect(said).toContain('self-signature verify OK')
    expect(said).not.toContain('Alternative Name')
  })

  test('a role certificate is asked for with a principal, two uris and every kind of name in one extension', async () => {
    const role = {
      commonName: 'media.on-air:role.reader',
      dns: ['web.media-on-air.athenz.cloud', '4f14.instanceid.athenz.athenz.cloud'],
      email: ['media.on-air.web@zts.athenz.cloud'],
      ip: ['10.1.2.3'],
      uri: ['spiffe://media.on-air/ra/reader', 'athenz://principal/media.on-air.web'],
    }
    const { said } = openssl(['req', '-verify', '-noout', '-text', '-in', 'csr'], { csr: await createCsr(role, key) })
    expect(said).toContain('self-signature verify OK')
    expect(said).toContain('Subject: CN = media.on-air:role.reader\n')
    expect(said).toContain(
      'DNS:web.media-on-air.athenz.cloud, DNS:4f14.instanceid.athenz.athenz.cloud, ' +
        'email:media.on-air.web@zts.athenz.cloud, IP Address:10.1.2.3, ' +
        'URI:spiffe://media.on-air/ra/reader, URI:athenz://principal/media.on-air.web\n',
    )
  })

  test('its own signature verifies, and no longer after any byte of the names has changed', async () => {
    const csr = await createCsr(web, key)
    expect(await verifyCsr(readCsr(csr), nodeVerify)).toBe(true)
    const der = fromPem(csr, 'CERTIFICATE REQUEST')
    const at = Buffer.from(der).indexOf('web.media-on-air')
    der[at] = 'x'.charCodeAt(0)
    const changed = readCsr(toPem('CERTIFICATE REQUEST', der))
    expect(changed.names.dns[0]).toBe('xeb.media-on-air.svc.cluster.local')
    expect(await verifyCsr(changed, nodeVerify)).toBe(false)
  })
})

test('whatever names are written are the names read', async () => {
  const key = keys['ec-p256']
  await fc.assert(
    fc.asyncProperty(someNames, async (names) => {
      const csr = readCsr(await createCsr(names, key))
      const { dns, ip, uri, email, other } = csr.names
      expect({ commonName: csr.commonName, dns, ip, uri, email }).toEqual(names)
      expect({ other, extensions: csr.otherExtensions, attributes: csr.otherAttributes }).toEqual({
        other: 0,
        extensions: [],
        attributes: [],
      })
      expect(Buffer.from(csr.spki)).toEqual(Buffer.from(key.spki))
    }),
    { numRuns: 60 },
  )
})

test('an address is read in canonical text, whatever the spelling it was written in', async () => {
  const csr = await createCsr({ ...web, ip: ['2001:DB8:0::0001', '::FFFF:10.0.0.1'] }, keys['ec-p256'])
  expect(readCsr(csr).names.ip).toEqual(['2001:db8::1', '::ffff:a00:1'])
})

test.each([
  ['a common name is empty', { commonName: '' }],
  ['a common name holds a newline', { commonName: 'a\nb' }],
  ['a dns name is not ascii', { dns: ['bücher.example'] }],
  ['a dns name is empty', { dns: [''] }],
  ['an e-mail address is empty', { email: [''] }],
  ['an e-mail address is not ascii', { email: ['bücher@example.org'] }],
  ['a uri holds a nul', { uri: ['spiffe://a/sa/b\0'] }],
  ['an address is a name', { ip: ['localhost'] }],
  ['an address is octal', { ip: ['010.1.2.3'] }],
  ['an address has a zone', { ip: ['fe80::1%eth0'] }],
])('nothing is written when %s', async (_when, wrong) => {
  await expect(createCsr({ ...web, ...wrong }, keys['ec-p256'])).rejects.toMatchObject({ code: 'X509_NAMES' })
})

const config = (more: string) => `[req]\ndistinguished_name=dn\nprompt=no\nreq_extensions=ext\n[dn]\nCN=a.b\n${more}`

function request(text: string): string {
  const key = keys.rsa.pem
  const args = ['req', '-new', '-key', 'key', '-config', 'config', '-utf8']
  return openssl(args, { key, config: text }).out
}

describe('requests made by openssl', () => {
  test('are read, e-mail, other kinds of names and other extensions included', () => {
    const names = 'DNS:x.y,email:a@b.c,otherName:1.2.3.4;UTF8:n,RID:1.2'
    const csr = readCsr(request(config(`[ext]\nkeyUsage=digitalSignature\nsubjectAltName=${names}\n`)))
    expect(csr).toMatchObject({
      subject: [{ oid: '2.5.4.3', value: 'a.b' }],
      commonName: 'a.b',
      names: { dns: ['x.y'], email: ['a@b.c'], ip: [], uri: [], other: 2 },
      otherExtensions: ['2.5.29.15'],
      otherAttributes: [],
    })
  })

  test('with a challenge password show that they ask for more', () => {
    const text = config('[ext]\nsubjectAltName=DNS:x.y\n[more]\nchallengePassword=secret\n')
    const asking = request(text.replace('[dn]', 'attributes=more\n[dn]'))
    expect(readCsr(asking).otherAttributes).toEqual(['1.2.840.113549.1.9.7'])
  })

  test('with two common names are refused, for two readers could take either', () => {
    const text = config('1.CN=c.d\n[ext]\nsubjectAltName=DNS:x.y\n').replace('CN=a.b', '0.CN=a.b')
    expect(() => readCsr(request(text))).toThrow(expect.objectContaining({ code: 'X509_MALFORMED' }))
  })

  test('with a common name outside ascii are refused', () => {
    const text = config('[ext]\nsubjectAltName=DNS:x.y\n').replace('CN=a.b', 'CN=bücher')
    expect(() => readCsr(request(text))).toThrow(expect.objectContaining({ code: 'X509_MALFORMED' }))
  })
})
