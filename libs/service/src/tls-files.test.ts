import { rm, writeFile } from 'node:fs/promises'
import { systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { beforeAll, expect, test, vi } from 'vitest'
import { openTlsFiles } from './index.ts'
import { type TlsDirectory, tlsDirectory } from './testing/index.ts'

const NAME = { commonName: 'service' }

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create()
})

/** In the armour of one. */
const NO_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'
const half = (pem: string): string => pem.slice(0, pem.length / 2)

const openIn = (it: TlsDirectory, log = memoryLog().log) =>
  openTlsFiles({ ...it, ca: { files: [it.caFile] }, log, clock: systemClock })

test('roots come from files and from text, together', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const other = await TestCa.create({ name: 'other' })
  const { log } = memoryLog()
  await using files = await openTlsFiles({ ...it, ca: { files: [it.caFile], pem: other.certPem }, log, clock: systemClock })
  expect(files.current().ca).toEqual([ca.certPem, other.certPem])
})

test.each<[string, (it: TlsDirectory) => Promise<unknown>]>([
  ['a key of another certificate', async (it) => writeFile(it.keyFile, (await ca.issue(NAME)).keyPem)],
  ['an expired certificate', async (it) => it.replace(await ca.issue({ ...NAME, notBefore: systemClock.now() - 2_000, lifeMs: 1_000 }))],
  ['a missing file', (it) => rm(it.certFile)],
  ['something else than a certificate', (it) => writeFile(it.certFile, 'hello')],
  ['something else than a key', (it) => writeFile(it.keyFile, 'hello')],
  ['something else than roots', (it) => writeFile(it.caFile, '')],
  ['a chain of which half is written', (it) => writeFile(it.certFile, half(ca.certPem), { flag: 'a' })],
  ['a chain with something that is no certificate', (it) => writeFile(it.certFile, NO_CERTIFICATE, { flag: 'a' })],
  ['roots of which half are written', (it) => writeFile(it.caFile, half(ca.certPem), { flag: 'a' })],
  ['roots with one that is no certificate', (it) => writeFile(it.caFile, NO_CERTIFICATE, { flag: 'a' })],
])('%s is refused at the start, without quoting it (W18, W24)', async (_what, spoil) => {
  await using it = await tlsDirectory(ca, NAME)
  await spoil(it)
  const error: unknown = await openIn(it).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'ServiceError', code: 'SERVICE_TLS_FILES' })
  expect(JSON.stringify(error)).not.toContain('PRIVATE KEY')
})

test('a change that cannot be used is logged and the old pair stays; the next good one is taken (W31)', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const memory = memoryLog()
  await using files = await openIn(it, memory.log)
  const before = files.current()
  const told = new Promise<void>((resolve) => void files.onChange(resolve))
  await writeFile(it.certFile, (await ca.issue(NAME)).certPem)
  await vi.waitUntil(() => memory.records.some(({ level }) => level === 'warn'))
  expect(files.current()).toBe(before)
  const next = await ca.issue(NAME)
  await it.replace(next)
  await told
  expect(files.current()).toMatchObject({ key: next.keyPem, cert: next.certPem })
  expect(memory.text()).not.toContain('PRIVATE KEY')
})

test('half a chain that is being written is not announced, and servers and clients go on with the old', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const memory = memoryLog()
  await using files = await openIn(it, memory.log)
  const before = files.current()
  let told = 0
  files.onChange(() => void told++)
  await writeFile(it.certFile, half(ca.certPem), { flag: 'a' })
  await vi.waitUntil(() => memory.records.some(({ level }) => level === 'warn'))
  expect(files.current()).toBe(before)
  expect(told).toBe(0)
  await it.replace(await ca.issue(NAME))
  await vi.waitUntil(() => told === 1)
  expect(memory.records.filter(({ msg }) => msg === 'tls files replaced')).toHaveLength(1)
})

test('files that a listener cannot take are not the current ones, for nobody', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const memory = memoryLog()
  await using files = await openIn(it, memory.log)
  const before = files.current()
  const taken: unknown[] = []
  files.onChange(() => void taken.push(files.current()))
  files.onChange(() => {
    if (files.current() !== before) throw new Error('not these')
  })
  await it.replace(await ca.issue(NAME))
  await vi.waitUntil(() => memory.records.some(({ level }) => level === 'warn'))
  expect(files.current()).toBe(before)
  expect(taken.at(-1)).toBe(before)
  expect(memory.text()).not.toContain('tls files replaced')
})

test('roots are reloaded too (W32)', async () => {
  await using it = await tlsDirectory(ca, NAME)
  await using files = await openIn(it)
  const told = new Promise<void>((resolve) => void files.onChange(resolve))
  const other = await TestCa.create({ name: 'other' })
  await it.replaceCa(other.certPem)
  await told
  expect(files.current().ca).toEqual([other.certPem])
})

test('roots given as a function are asked for at each reload', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const other = await TestCa.create({ name: 'other' })
  let roots = ca.certPem
  const memory = memoryLog()
  await using files = await openTlsFiles({ ...it, ca: { pem: () => roots }, log: memory.log, clock: systemClock })
  roots = ca.certPem + other.certPem
  expect(files.current().ca).toEqual([ca.certPem])
  await files.reload()
  expect(files.current().ca).toEqual([roots])
  roots = 'hello'
  await files.reload()
  expect(files.current().ca).toEqual([ca.certPem + other.certPem])
  expect(memory.records.at(-1)).toMatchObject({ level: 'warn', msg: 'new tls files cannot be used, keeping the old' })
})

test('reloads at the same time follow each other, and a closed set is not reloaded', async () => {
  await using it = await tlsDirectory(ca, NAME)
  let asked = 0
  const pem = () => (asked++, ca.certPem)
  const files = await openTlsFiles({ ...it, ca: { pem }, log: memoryLog().log, clock: systemClock })
  await Promise.all([files.reload(), files.reload()])
  expect(asked).toBe(3)
  await files[Symbol.asyncDispose]()
  await files.reload()
  expect(asked).toBe(3)
})

test('a root is removed while the pair on disk cannot be used, and a new pair is taken while the roots cannot (T32)', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const other = await TestCa.create({ name: 'other' })
  let roots = ca.certPem + other.certPem
  const memory = memoryLog()
  await using files = await openTlsFiles({ ...it, ca: { pem: () => roots }, log: memory.log, clock: systemClock, pollMs: 3_600_000 })
  const { key, cert } = files.current()
  expect(files.isUnusable()).toBe(false)
  await writeFile(it.keyFile, 'half a fi')
  roots = other.certPem
  await files.reload()
  expect(files.current()).toMatchObject({ key, cert, ca: [other.certPem] })
  expect(files.isUnusable()).toBe(true)

  const next = await ca.issue(NAME)
  await it.replace(next)
  roots = 'hello'
  await files.reload()
  expect(files.current()).toMatchObject({ key: next.keyPem, cert: next.certPem, ca: [other.certPem] })
  expect(files.isUnusable()).toBe(true)
  roots = other.certPem
  await files.reload()
  expect(files.isUnusable()).toBe(false)
})

test('a pair that a listener cannot take does not keep a root that was removed', async () => {
  await using it = await tlsDirectory(ca, NAME)
  const other = await TestCa.create({ name: 'other' })
  let roots = ca.certPem + other.certPem
  await using files = await openTlsFiles({ ...it, ca: { pem: () => roots }, log: memoryLog().log, clock: systemClock, pollMs: 3_600_000 })
  const { key, cert } = files.current()
  files.onChange(() => {
    if (files.current().key !== key) throw new Error('not this one')
  })
  roots = other.certPem
  await it.replace(await ca.issue(NAME))
  await files.reload()
  expect(files.current()).toMatchObject({ key, cert, ca: [other.certPem] })
  expect(files.isUnusable()).toBe(true)
})
