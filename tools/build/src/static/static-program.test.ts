/** What becomes of a static program that is stopped or broken, what it needs to run, and whether it can be made again. */
import { fromWire, toWire } from '@pallas/linux/static/testing'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, cp, mkdtemp, readdir, realpath, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../repository.ts'
import { buildDoor, buildStatic, type StaticFile } from './build-static.ts'
import { buildDirectory } from './cache.ts'
import { digestOf } from './inputs.ts'
import { cargoBuild, compilerVersion, machineArch, targetOf } from './toolchain.ts'

const run = promisify(execFile)
const isWanted = process.env['PALLAS_HOME'] === 'static'
const BUILDING_MS = 900_000
const MOST_BYTES = 5_000_000
const CRATE = join(REPOSITORY, 'libs/linux/native')

test.skipIf(isWanted)('static programs are not tried: `npm run test:static` builds them, with Rust', () => {
  expect(isWanted).toBe(false)
})

/** Undefined where Node throws. */
function strictly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

async function toEnd(path: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (part: Buffer) => (said.stdout += part.toString()))
  child.stderr.on('data', (part: Buffer) => (said.stderr += part.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, ...said }
}

describe.runIf(isWanted)('a static program', () => {
  let dir = ''
  let door = ''
  let programs: readonly StaticFile[] = []
  const pathOf = (name: string): string => programs.find((file) => file.name === name)?.path ?? name

  beforeAll(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'static-')))
    programs = (await buildStatic()).files
    door = (await buildDoor()).files[0]?.path ?? ''
  }, BUILDING_MS)
  afterAll(() => rm(dir, { recursive: true, force: true }))

  test.each([
    ['throws in the beginning', 'TypeError: it was never meant to be called'],
    ['throws in a callback', 'TypeError: it was never meant to be called'],
    ['rejects a promise that nobody looks at', 'RangeError: it was never meant to be looked at'],
    ['calls itself without end', 'RangeError: Maximum call stack size exceeded'],
    ['takes memory without end, and catches whatever comes of it', 'out of memory'],
    ['waits for what cannot come', 'it waits for what cannot come'],
  ])('that %s says so in one line and ends with 70', async (way, sentence) => {
    const { code, stdout, stderr } = await toEnd(door, 'break', way)
    expect(stderr).toMatch(/^door: broken: [^\n]+\n$/)
    expect(stderr).toContain(sentence)
    expect({ code, stdout }).toEqual({ code: 70, stdout: '' })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('is told of %s once, and ended by the second', async (signal) => {
    const child = spawn(door, ['wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
    expect(String((await once(child.stdout, 'data'))[0])).toBe('ready\n')
    child.kill(signal)
    expect(String((await once(child.stdout, 'data'))[0])).toBe(`Error: stopped by ${signal}\n`)
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([null, signal])
  })

  test('is told of SIGTERM while it waits for an answer, and closes the connection', async () => {
    const socketPath = join(dir, 's')
    const accepted = Promise.withResolvers<Socket>()
    const server = createServer((socket) => accepted.resolve(socket)).listen(socketPath)
    await once(server, 'listening')
    const child = spawn(door, ['wait', socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
    const socket = await accepted.promise
    const closed = once(socket.resume(), 'close')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([3, null])
    await closed
    server.close()
  })

  test('goes on waiting for an answer when it was stopped and continued', async () => {
    const socketPath = join(dir, 'stopped')
    const accepted = Promise.withResolvers<Socket>()
    const server = createServer((socket) => socket.once('data', () => accepted.resolve(socket))).listen(socketPath)
    await once(server, 'listening')
    const child = spawn(door, ['wait', socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (part: Buffer) => (said += part.toString()))
    const socket = await accepted.promise
    for (let times = 0; times < 20; times++) {
      child.kill('SIGSTOP')
      await pause(5)
      child.kill('SIGCONT')
      await pause(5)
    }
    socket.end('HTTP/1.1 204 No Content\r\n\r\n')
    expect(await once(child, 'close')).toEqual([3, null])
    expect(said).toBe('ready\n')
    server.close()
  })

  const asked = async (call: string, ...args: readonly unknown[]): Promise<unknown> => {
    const { stdout } = await toEnd(door, call, ...args.map((each) => JSON.stringify(toWire(each))))
    return stdout === '' ? undefined : fromWire(JSON.parse(stdout), (mark) => mark)
  }

  test.each(['', 'a', 'é', '€', '😀', '\u0000', '\ud800', 'a\udc00b', '\ufeffx'])('encodes %j as Node does', async (text) => {
    expect(await asked('text.encode', text)).toEqual(new Uint8Array(new TextEncoder().encode(text)))
  })

  test.each([
    [[0x61]],
    [[0xe2, 0x82, 0xac]],
    [[0xef, 0xbb, 0xbf, 0x61]],
    [[0xe2, 0x82]],
    [[0x61, 0xff, 0x62]],
    [[0xed, 0xa0, 0x80]],
    [[0xf0, 0x80, 0x80, 0x80]],
    [[0xc0, 0x80]],
  ])('decodes %j as Node does, and refuses what Node refuses', async (codes) => {
    const bytes = Uint8Array.from(codes)
    expect(await asked('text.decode', bytes, false)).toBe(new TextDecoder().decode(bytes))
    expect(await asked('text.decode', bytes, true)).toBe(strictly(bytes))
  })

  test.each([
    [['init'], 'Success'],
    [['attach', 'x'], 'Not supported'],
    [['mount'], 'Failure'],
  ])('that is the driver answers %j with one JSON object, and 0', async (args, status) => {
    const { code, stdout, stderr } = await toEnd(pathOf('athenz-volume-driver'), ...args)
    expect(stdout).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(stdout)).toMatchObject({ status })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test.each([1024, 256])('that is the driver answers with one JSON object on a stack of %i KiB, however deep what it is given', async (stack) => {
    const volume = '/var/lib/kubelet/pods/0c6d2f3c-3a0b-4a1e-9d8c-5f3d5d1e2a3b/volumes/athenz.io~athenz-identity/v'
    for (const options of ['{}', '['.repeat(30_000), `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`]) {
      const { code, stdout, stderr } = await toEnd('sh', '-c', `ulimit -s ${stack} && exec "$@"`, 'sh', pathOf('athenz-volume-driver'), 'mount', volume, options)
      expect(JSON.parse(stdout)).toMatchObject({ status: 'Failure' })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
  })

  test.each([
    ['athenz-sia', []],
    ['athenz-control-sia', ['--mode=init']],
  ])('that is %s ends with 64 where its settings are wrong', async (name, args) => {
    const { code, stdout, stderr } = await toEnd(pathOf(name), ...args)
    expect(stderr).toMatch(new RegExp(`^${name}: invalid settings:\n`))
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })

  test('that is asked for a companion refuses: those need Node', async () => {
    const { code, stderr } = await toEnd(pathOf('athenz-sia'), '--mode=refresh', '--token-server-addr=127.0.0.1:0')
    expect(stderr).toContain('token')
    expect(code).toBe(64)
  })

  test('is small, and needs nothing of the machine: it runs where no other file is', async (context) => {
    for (const { bytes } of programs) expect(bytes).toBeLessThan(MOST_BYTES)
    if (process.geteuid?.() !== 0) return context.skip()
    for (const { name, path } of programs) {
      await copyFile(path, join(dir, name))
      const { stdout } = await run('chroot', [dir, `/${name}`, '--version'])
      expect(stdout).toMatch(new RegExp(`^${name} \\d`))
    }
  })

  test('is the same, byte for byte, when it is made anew elsewhere', async () => {
    const crate = join(dir, 'crate')
    await cp(CRATE, crate, { recursive: true })
    // Kept too: crates that were compiled there are held against those that were compiled here.
    const buildDir = join(await buildDirectory(CRATE, await compilerVersion()), 'elsewhere')
    const again = await buildStatic({ outdir: join(dir, 'again'), crate, buildDir })
    expect(again.isUnchanged).toBe(false)
    expect(again.files.map(({ sha256 }) => sha256)).toEqual(programs.map(({ sha256 }) => sha256))
  }, BUILDING_MS)

  test('is made of the crate that stands where it is made, though another of the same cache has younger files', async () => {
    const crate = join(dir, 'broken')
    await cp(CRATE, crate, { recursive: true })
    await writeFile(join(crate, 'src/lib.rs'), 'compile_error!("this one");')
    for (const path of await readdir(crate, { recursive: true })) await utimes(join(crate, path), 0, 0)
    const compiler = await compilerVersion()
    const places = { crate, source: digestOf(crate, []), buildDir: await buildDirectory(crate, compiler), targetDir: join(dir, 'target'), target: targetOf(machineArch()) }
    const building = cargoBuild({ ...places, profile: 'dev', features: [], bins: ['compile'], scripts: dir })
    await expect(building).rejects.toMatchObject({ code: 'STATIC_CARGO_FAILED', message: expect.stringContaining('this one') })
  })

  test('is not made again when nothing has changed', async () => {
    expect((await buildStatic()).isUnchanged).toBe(true)
  })
})
