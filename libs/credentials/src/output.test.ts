import { expect, test } from 'vitest'
import { bundleOf, outputFiles } from './output.ts'
import { stampOf } from './stamp.ts'

const set = { keyPem: 'key\n', certPem: 'cert', caPem: 'ca\n', ntoken: 'token' }
const paths = { key: '/tls/key', cert: '/tls/cert', caCert: '/tls/ca', ntoken: '/tokens/ntoken', bundle: '/tls/all' }

test('a set becomes its files; key, token and bundle are secret', () => {
  expect(outputFiles(set, paths)).toEqual([
    { path: '/tls/key', content: 'key\n', secret: true },
    { path: '/tls/all', content: 'key\ncert\nca\n', secret: true },
    { path: '/tls/ca', content: 'ca\n', secret: false },
    { path: '/tls/cert', content: 'cert', secret: false },
    { path: '/tokens/ntoken', content: 'token', secret: true },
  ])
})

test('every copy of a key comes before any certificate, so that its directory is made current first (W31)', () => {
  const roles = [{ name: 'media:role.reader', certPem: 'reader' }]
  const wanted = [
    { name: 'media:role.reader', cert: '/roles/reader.cert', key: '/roles/reader.key' },
    { name: 'media:role.writer', cert: '/roles/writer.cert', key: '/roles/writer.key' },
  ]
  const several = { key: ['/a/key', '/b/key'], cert: ['/c/cert', '/d/cert'], roles: wanted }
  expect(outputFiles({ ...set, roles }, several)).toEqual([
    { path: '/a/key', content: 'key\n', secret: true },
    { path: '/b/key', content: 'key\n', secret: true },
    { path: '/roles/reader.key', content: 'key\n', secret: true },
    { path: '/c/cert', content: 'cert', secret: false },
    { path: '/d/cert', content: 'cert', secret: false },
    { path: '/roles/reader.cert', content: 'reader', secret: false },
  ])
})

test('a file not wanted, and one with nothing in it, is none', () => {
  expect(outputFiles({ ...set, caPem: '', ntoken: '' }, { ...paths, bundle: '' }).map((it) => it.path)).toEqual([
    '/tls/key',
    '/tls/cert',
  ])
  expect(outputFiles(set, { key: [], cert: '' })).toEqual([])
  const { ntoken: _, ...without } = set
  expect(outputFiles(without, { ntoken: '/tokens/ntoken' })).toEqual([])
})

test('a bundle without ca ends after the certificate', () => {
  expect(bundleOf({ ...set, caPem: '' })).toBe('key\ncert\n')
})

test('a stamp is the moment in utc', () => {
  for (let at = -86_400_000 * 365; at < 4_102_444_800_000; at += 86_400_000 * 6.51) {
    const whole = Math.round(at)
    if (whole < 0) continue
    expect(stampOf(whole)).toBe(new Date(whole).toISOString().replaceAll(/[-:]/g, ''))
  }
})
