import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installDriver } from './install-driver.ts'

function aHost() {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const source = join(root, 'driver')
  const drivers = join(root, 'drivers')
  writeFileSync(source, 'version 1', { mode: 0o600 })
  mkdirSync(drivers, { mode: 0o755 })
  const target = join(drivers, 'athenz-volume-driver')
  return { root, source, drivers, target, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

test('the driver is put in place executable, once, and again when it has changed (W40)', async () => {
  using host = aHost()
  expect(await installDriver(host)).toBe(true)
  expect(statSync(host.target).mode & 0o7777).toBe(0o755)
  const { ino } = statSync(host.target)
  expect(await installDriver(host)).toBe(false)
  expect(statSync(host.target).ino).toBe(ino)

  writeFileSync(host.source, 'version 2')
  expect(await installDriver(host)).toBe(true)
  expect(readFileSync(host.target, 'utf8')).toBe('version 2')
  expect(readdirSync(host.drivers)).toEqual(['athenz-volume-driver'])
})

test('what lies at the target is replaced, not followed', async () => {
  using host = aHost()
  const elsewhere = join(host.root, 'elsewhere')
  writeFileSync(elsewhere, 'precious')
  symlinkSync(elsewhere, host.target)
  writeFileSync(join(host.drivers, '.athenz-volume-driver.new'), 'left by an agent that was killed')
  expect(await installDriver(host)).toBe(true)
  expect(readFileSync(elsewhere, 'utf8')).toBe('precious')
  expect(readFileSync(host.target, 'utf8')).toBe('version 1')
})

test('a driver whose mode was changed is put in place again', async () => {
  using host = aHost()
  await installDriver(host)
  chmodSync(host.target, 0o777)
  expect(await installDriver(host)).toBe(true)
  expect(statSync(host.target).mode & 0o7777).toBe(0o755)
})

test.each<[string, (host: ReturnType<typeof aHost>) => void]>([
  ['a directory that is a symlink', ({ root, drivers }) => {
    rmSync(drivers, { recursive: true })
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'real'), drivers)
  }],
  ['a directory that others may write to', ({ drivers }) => chmodSync(drivers, 0o777)],
  ['no directory', ({ drivers }) => rmSync(drivers, { recursive: true })],
  ['no driver', ({ source }) => rmSync(source)],
])('%s stops the agent', async (_name, spoil) => {
  using host = aHost()
  spoil(host)
  await expect(installDriver(host)).rejects.toMatchObject({ code: 'DRIVER_NOT_INSTALLED' })
})
