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
])('%s is refused at the start, without quoting it', async (_what, spoil) => {
  await using it = await tlsDirectory(ca, NAME)
  await spoil(it)
  const error: unknown = await openIn(it).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'ServiceError', code: 'SERVICE_TLS_FILES' })
  expect(JSON.stringify(error)).not.toContain('PRIVATE KEY')
})

test('a change that cannot be used is logged and the old pair stays; the next good one is taken', async () => {
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

test('roots are reloaded too', async () => {
  await using it = await tlsDirectory(ca, NAME)
  await using files = await openIn(it)
  const told = new Promise<void>((resolve) => void files.onChange(resolve))
  const other = await TestCa.create({ name: 'other' })
  await it.replaceCa(other.certPem)
  await told
  expect(files.current().ca).toEqual([other.certPem])
})
