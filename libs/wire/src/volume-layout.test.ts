import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatVolumeContext,
  formatVolumeData,
  isHandle,
  isPodUid,
  parseHandle,
  parseVolumeContext,
  parseVolumeData,
} from './volume-layout.ts'

const HANDLE = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE'

describe('a handle', () => {
  test('is what base64url makes of 32 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url')
        expect(parseHandle(text)).toBe(text)
        expect(isHandle(text)).toBe(true)
      }),
    )
  })

  test.each([
    ['empty', ''],
    ['of 42 characters', HANDLE.slice(1)],
    ['of 44 characters', `${HANDLE}A`],
    ['of 43 characters and padding', `${HANDLE}=`],
    ['with padding for its last character', `${HANDLE.slice(1)}=`],
    ['with an escaped slash', `${HANDLE.slice(3)}%2F`],
    ['that goes up', `../${HANDLE.slice(3)}`],
    ['that goes up, escaped', `%2e%2e${HANDLE.slice(6)}`],
    ['that is only dots', '.'.repeat(43)],
    ['with a slash', `/${HANDLE.slice(1)}`],
    ['with a backslash', `\\${HANDLE.slice(1)}`],
    ['with the other base64', `+${HANDLE.slice(1)}`],
    ['with a nul', `\0${HANDLE.slice(1)}`],
    ['that ends with a newline', `${HANDLE}\n`],
    ['with a newline within', `\n${HANDLE.slice(1)}`],
    ['with a blank before', ` ${HANDLE.slice(1)}`],
    ['beyond ascii', `é${HANDLE.slice(1)}`],
    ['in wide characters', `Ａ${HANDLE.slice(1)}`],
    ['with a path after it', `${HANDLE}/mount`],
    ['of a megabyte', 'A'.repeat(1_048_576)],
  ])('is never one %s', (_what, text) => {
    expect(isHandle(text)).toBe(false)
    expect(() => parseHandle(text)).toThrow(
      expect.objectContaining({ code: 'HANDLE_INVALID', fields: { length: text.length } }),
    )
  })

  test('is not shown by the error that refuses it', () => {
    const text = `${HANDLE}A`
    try {
      parseHandle(text)
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain(HANDLE)
    }
  })
})

test.each([
  ['4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11', true],
  ['0123456789abcdef0123456789abcdef', true],
  ['4F14E5F4-0D7C-4C58-9C3A-2A7F6A1F0C11', false],
  ['4f14e5f4_0d7c_4c58_9c3a_2a7f6a1f0c11', false],
  ['4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c1', false],
  ['4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11\n', false],
  ['../../etc', false],
  ['', false],
])('%j is a pod uid: %s', (text, is) => {
  expect(isPodUid(text)).toBe(is)
})

const data = {
  namespace: 'media-on--air',
  name: 'web-0',
  uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11',
  serviceAccount: 'web',
  mountDir: '/var/lib/kubelet/pods/x/volumes/y',
  createdAt: '2030-01-01T00:00:00Z',
}

describe('data.json', () => {
  test('is read as it was written, and may hold more', () => {
    expect(formatVolumeData(data)).toMatch(/\}\n$/)
    expect(parseVolumeData(formatVolumeData(data))).toEqual(data)
    expect(parseVolumeData(JSON.stringify({ ...data, more: 1 }))).toEqual(data)
    expect(parseVolumeData(formatVolumeData({ ...data, writable: true }))).toEqual({ ...data, writable: true })
    expect(parseVolumeData(JSON.stringify({ ...data, writable: 'no' }))).toEqual(data)
  })

  test.each([
    ['empty', ''],
    ['cut off', JSON.stringify(data).slice(0, -1)],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['without a name', JSON.stringify({ ...data, name: undefined })],
    ['with an empty namespace', JSON.stringify({ ...data, namespace: '' })],
    ['with a number for a name', JSON.stringify({ ...data, name: 1 })],
    ['with a uid that is none', JSON.stringify({ ...data, uid: '..' })],
    ['with a relative mount directory', JSON.stringify({ ...data, mountDir: 'x' })],
    ['with a nul in the mount directory', JSON.stringify({ ...data, mountDir: '/x\0' })],
  ])('is not trusted when it is %s', (_what, json) => {
    expect(() => parseVolumeData(json)).toThrow(expect.objectContaining({ code: 'VOLUME_UNTRUSTED' }))
  })
})

describe('context.json', () => {
  const context = {
    provider: 'k8s.admin.athenz-callback',
    domain: 'media.on-air',
    service: 'web',
    instanceId: data.uid,
    serial: 'AB12',
    notAfter: 1_900_000_000_000,
  }

  test('is read as it was written', () => {
    expect(parseVolumeContext(formatVolumeContext(context))).toEqual(context)
    expect(parseVolumeContext(JSON.stringify({ ...context, more: 1 }))).toEqual(context)
  })

  test('may hold the certificate; one that is not whole is left out', () => {
    const issued = { cert: 'PEM', ca: 'PEMs' }
    expect(parseVolumeContext(formatVolumeContext({ ...context, issued }))).toEqual({ ...context, issued })
    for (const broken of [null, 'PEM', { cert: 'PEM' }, { ...issued, ca: 1 }]) {
      expect(parseVolumeContext(JSON.stringify({ ...context, issued: broken }))).toEqual(context)
    }
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...context, serial: 1 }),
    JSON.stringify({ ...context, notAfter: '1' }),
  ])('that is %j is forgotten', (json) => {
    expect(parseVolumeContext(json)).toBeUndefined()
  })
})
