import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
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
  const ownUid = process.geteuid!()
  return { root, source, drivers, target, ownUid, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
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
  expect(await installDriver(host)).toBe(true)
  expect(readFileSync(elsewhere, 'utf8')).toBe('precious')
  expect(readFileSync(host.target, 'utf8')).toBe('version 1')
})

/** As an agent leaves it that was killed long ago. */
function abandon(path: string): void {
  lutimesSync(path, 0, 0)
}

test('what a killed agent has left is removed, what another one is making is not', async () => {
  using host = aHost()
  const [old, older, young] = ['.athenz-volume-driver.0a1b.new', '.athenz-volume-driver.new', '.athenz-volume-driver.2c3d.new']
  for (const name of [old, older, young]) writeFileSync(join(host.drivers, name), 'half')
  for (const name of [old, older]) abandon(join(host.drivers, name))
  expect(await installDriver(host)).toBe(true)
  expect(readdirSync(host.drivers).sort()).toEqual([young, 'athenz-volume-driver'])
})

test('agents that install at the same time all do, and leave nothing beside', async () => {
  using host = aHost()
  const results = await Promise.all(Array.from({ length: 8 }, () => installDriver(host)))
  expect(results).toContain(true)
  expect(readFileSync(host.target, 'utf8')).toBe('version 1')
  expect(readdirSync(host.drivers)).toEqual(['athenz-volume-driver'])
})

test('a driver whose mode was changed is put in place again', async () => {
  using host = aHost()
  await installDriver(host)
  chmodSync(host.target, 0o777)
  expect(await installDriver(host)).toBe(true)
  expect(statSync(host.target).mode & 0o7777).toBe(0o755)
})

test('a driver that is there already is not touched, whoever is looking', async () => {
  using host = aHost()
  await installDriver(host)
  const before = lstatSync(host.target, { bigint: true })
  expect(await installDriver(host)).toBe(false)
  const after = lstatSync(host.target, { bigint: true })
  expect([after.ino, after.ctimeNs, after.mtimeNs]).toEqual([before.ino, before.ctimeNs, before.mtimeNs])
})

const VENDOR = 'athenz.kubernetes.io~athenz-volume-driver'

/** As the kubelet has it: its plugin directory, mounted, and a directory of the vendor's in it. */
function aPluginDirectory() {
  const { root, source, drivers, ownUid, [Symbol.dispose]: dispose } = aHost()
  const vendor = join(drivers, VENDOR)
  return { root, source, drivers, vendor, ownUid, target: join(vendor, 'athenz-volume-driver'), [Symbol.dispose]: dispose }
}

test('a directory that is missing appears with the driver in it, and nothing beside it', async () => {
  using host = aPluginDirectory()
  mkdirSync(join(host.drivers, `.${VENDOR}.new`))
  writeFileSync(join(host.drivers, `.${VENDOR}.new`, 'rest'), 'left by an agent that was killed')
  abandon(join(host.drivers, `.${VENDOR}.new`))
  expect(await installDriver(host)).toBe(true)
  expect(readdirSync(host.drivers)).toEqual([VENDOR])
  expect(readdirSync(host.vendor)).toEqual(['athenz-volume-driver'])
  expect(readFileSync(host.target, 'utf8')).toBe('version 1')
  expect(await installDriver(host)).toBe(false)
})

test('a draft that is a way elsewhere is removed, not followed', async () => {
  using host = aPluginDirectory()
  const elsewhere = join(host.root, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'precious'), 'precious')
  symlinkSync(elsewhere, join(host.drivers, `.${VENDOR}.new`))
  abandon(join(host.drivers, `.${VENDOR}.new`))
  expect(await installDriver(host)).toBe(true)
  expect(readdirSync(elsewhere)).toEqual(['precious'])
  expect(lstatSync(host.vendor).isDirectory()).toBe(true)
  expect(readdirSync(host.drivers)).toEqual([VENDOR])
})

test('agents that make a missing directory at the same time share it', async () => {
  using host = aPluginDirectory()
  await Promise.all(Array.from({ length: 8 }, () => installDriver(host)))
  expect(readdirSync(host.drivers)).toEqual([VENDOR])
  expect(readdirSync(host.vendor)).toEqual(['athenz-volume-driver'])
  expect(readFileSync(host.target, 'utf8')).toBe('version 1')
})

test.each<[string, (host: ReturnType<typeof aPluginDirectory>) => void]>([
  ['a driver directory that is a symlink', ({ root, vendor }) => {
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'real'), vendor)
  }],
  ['a driver directory that is a symlink to nothing', ({ root, vendor }) => symlinkSync(join(root, 'nothing'), vendor)],
  ['a driver directory that is a file', ({ vendor }) => writeFileSync(vendor, '')],
  ['a driver directory that others may write to', ({ vendor }) => {
    mkdirSync(vendor)
    chmodSync(vendor, 0o775)
  }],
  ['a plugin directory that is a symlink', ({ root, drivers }) => {
    renameSync(drivers, join(root, 'real'))
    symlinkSync(join(root, 'real'), drivers)
  }],
  ['a plugin directory that others may write to', ({ drivers }) => chmodSync(drivers, 0o757)],
  ['no plugin directory', ({ drivers }) => rmSync(drivers, { recursive: true })],
  ['a directory in place of the driver', ({ target }) => mkdirSync(target, { recursive: true })],
])('%s stops the agent, and nothing is written', async (_name, spoil) => {
  using host = aPluginDirectory()
  spoil(host)
  await expect(installDriver(host)).rejects.toMatchObject({ code: 'DRIVER_NOT_INSTALLED' })
  for (const place of ['real', 'nothing', 'drivers']) {
    const names = existsSync(join(host.root, place)) ? readdirSync(join(host.root, place), { recursive: true }) : []
    expect(names.filter((name) => !lstatSync(join(host.root, place, String(name))).isDirectory() && name !== VENDOR)).toEqual([])
  }
})

const isRoot = process.geteuid?.() === 0

test.runIf(isRoot)('a directory that belongs to somebody else stops the agent', async () => {
  using host = aHost()
  chownSync(host.drivers, 65_532, 0)
  await expect(installDriver(host)).rejects.toMatchObject({ code: 'DRIVER_NOT_INSTALLED', fields: { why: 'it belongs to somebody else' } })
  expect(readdirSync(host.drivers)).toEqual([])
})

test.runIf(isRoot)('a driver that somebody else owns is put in place again', async () => {
  using host = aHost()
  await installDriver(host)
  chownSync(host.target, 65_532, 0)
  expect(await installDriver(host)).toBe(true)
  expect(statSync(host.target).uid).toBe(host.ownUid)
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
  expect(existsSync(join(host.root, 'drivers', 'athenz-volume-driver'))).toBe(false)
})

const descriptors = () => readdirSync('/proc/self/fd').length

test('no descriptor is left open', async () => {
  using host = aPluginDirectory()
  await installDriver(host)
  const before = descriptors()
  for (const version of ['2', '3']) {
    writeFileSync(host.source, version)
    await installDriver(host)
  }
  chmodSync(host.vendor, 0o777)
  await expect(installDriver(host)).rejects.toThrow('cannot be trusted')
  expect(descriptors()).toBe(before)
})
