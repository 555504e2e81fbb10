import { MemoryMachine } from '@pallas/host/testing'
import { expect, test } from 'vitest'
import { helpText, readSettings, SETTINGS_FILE, SETTINGS_VARIABLE } from './settings.ts'

const defaults = {
  volumesDir: '/var/athenz/volumes',
  handleKeyFile: '/var/athenz/handle.key',
  handle: 'keyed',
  mounter: 'bind',
  isolation: 'per-workload',
  agentDir: '/var/athenz/agent',
  writableVolumes: 'refuse',
}

async function hostWith(json: string, mode = 0o644) {
  const host = new MemoryMachine().open()
  await host.files.mkdirs('/var/athenz', 0o755)
  await host.files.create(SETTINGS_FILE, new TextEncoder().encode(json), mode)
  return host
}

test('without a file the defaults apply', async () => {
  expect(await readSettings(new MemoryMachine().open().files, {})).toEqual(defaults)
})

test('the file says otherwise', async () => {
  const { files } = await hostWith('{"volumesDir":"/v","mounter":"link","handle":"original"}')
  expect(await readSettings(files, {})).toEqual({ ...defaults, volumesDir: '/v', mounter: 'link', handle: 'original' })
})

test('the environment names another file, and nothing else', async () => {
  const { files } = await hostWith('{}')
  await files.create('/other.json', new TextEncoder().encode('{"volumesDir":"/w"}'), 0o600)
  const env = { [SETTINGS_VARIABLE]: '/other.json', ATHENZ_VOLUME_DRIVER_VOLUMES_DIR: '/ignored' }
  expect(await readSettings(files, env)).toEqual({ ...defaults, volumesDir: '/w' })
  expect(await readSettings(files, { [SETTINGS_VARIABLE]: '' })).toEqual(defaults)
})

test.each([
  ['no json', 'volumesDir: /v'],
  ['a list', '[]'],
  ['null', 'null'],
  ['an unknown key', '{"volumeDir":"/v"}'],
  ['an unknown mounter', '{"mounter":"fuse"}'],
  ['a relative directory', '{"volumesDir":"v"}'],
  ['a directory with a way up', '{"volumesDir":"/v/../w"}'],
  ['a trailing slash', '{"volumesDir":"/v/"}'],
  ['a key file in a directory with a dot', '{"handleKeyFile":"/v/./k"}'],
  ['a directory of the agent with a way up', '{"agentDir":"/v/.."}'],
  ['an isolation nobody knows', '{"isolation":"none"}'],
  ['a shared socket that pods could replace', '{"isolation":"shared","mounter":"link"}'],
  ['a shared socket and writable volumes', '{"isolation":"shared","writableVolumes":"allow"}'],
  ['another word for writable volumes', '{"writableVolumes":"true"}'],
  ['an object for a value', '{"volumesDir":{}}'],
  ['too long a file', `{"volumesDir":"/${'x'.repeat(70_000)}"}`],
])('a file with %s is refused', async (_name, json) => {
  const { files } = await hostWith(json)
  await expect(readSettings(files, {})).rejects.toMatchObject({ code: 'SETTINGS_INVALID' })
})

test('a file that others may write is refused', async () => {
  const { files } = await hostWith('{}', 0o666)
  await expect(readSettings(files, {})).rejects.toMatchObject({ code: 'SETTINGS_INVALID' })
})

/** A driver that runs as `runsAs`, and a settings file of `owner`. */
async function driverOf(runsAs: number, owner: number, procfs: boolean) {
  const machine = new MemoryMachine()
  const root = machine.open()
  await root.files.mkdirs('/var/athenz', 0o755)
  await root.files.create(SETTINGS_FILE, new TextEncoder().encode('{"volumesDir":"/v"}'), 0o600)
  machine.change(SETTINGS_FILE, { uid: owner })
  if (procfs) {
    await root.files.mkdirs('/proc/self/fd', 0o500)
    machine.change('/proc/self/fd', { uid: runsAs })
  }
  return machine.open({ uid: runsAs }).files
}

test.each([
  ['root, for root', 0, 0, true],
  ['root, for another user', 1_000, 0, true],
  ['root, where there is no procfs', 0, 0, false],
  ['the user that runs the driver', 1_000, 1_000, true],
])('a file of %s counts', async (_whose, runsAs, owner, procfs) => {
  expect(await readSettings(await driverOf(runsAs, owner, procfs), {})).toMatchObject({ volumesDir: '/v' })
})

test.each([
  ['another user, for root', 0, 1_000, true],
  ['another user, for a user', 1_000, 1_001, true],
  ['a user, where nobody knows who runs the driver', 1_000, 1_000, false],
])('a file of %s is refused, whatever its mode', async (_whose, runsAs, owner, procfs) => {
  const files = await driverOf(runsAs, owner, procfs)
  await expect(readSettings(files, {})).rejects.toMatchObject({ code: 'SETTINGS_INVALID' })
})

test('help names every setting and the file', () => {
  for (const word of [...Object.keys(defaults), SETTINGS_FILE, SETTINGS_VARIABLE]) expect(helpText()).toContain(word)
})
