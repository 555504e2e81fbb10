import { mountNamespaces } from '@pallas/linux/testing'
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { scenarios } from './testing/scenarios.ts'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const PLAY = fileURLToPath(new URL('./testing/play-main.ts', import.meta.url))
// The interpreter of the program is the one that the tests run on.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }

// Sockets lie deep below: the usual directory of a test runner would be too long for them.
const dir = await realpath(await mkdtemp('/tmp/d-'))
const bundle = `${dir}/driver.mjs`

beforeAll(async () => {
  // In one file, as it is installed on hosts: from source each of some hundred starts would cost five times as much.
  await build({ entryPoints: [MAIN], outfile: bundle, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
  await chmod(bundle, 0o755)
})

afterAll(() => rm(dir, { recursive: true, force: true }))

describe.each(mountNamespaces())('the driver in $name', ({ available, command: [unshare = '', ...options] }) => {
  test.skipIf(available)('is not tried: this machine gives no such namespace', () => {
    expect(available).toBe(false)
  })

  describe.runIf(available)('keeps', () => {
    let report: Readonly<Record<string, string | null>> = {}
    beforeAll(async () => {
      const program = [process.execPath, '--disable-warning=ExperimentalWarning', PLAY, dir, bundle]
      const { stdout } = await run(unshare, [...options, ...program], { env, timeout: 100_000 })
      report = JSON.parse(stdout) as typeof report
    }, 120_000)

    test.each(Object.keys(scenarios))('%s', (name) => {
      expect(report[name]).toBeNull()
    })
  })
})

describe.each([['from source', MAIN], ['as one file', bundle]])('the program %s', (_name, program) => {
  test.each([
    ['--help', /^athenz-volume-driver: FlexVolume driver/],
    ['-h', /volumesDir \(\/var\/athenz\/volumes\)/],
    ['--version', new RegExp(`^athenz-volume-driver ${manifest.version.replaceAll('.', '\\.')}\n$`)],
    ['init', /^\{"status":"Success","message":"","capabilities":\{.*\}\}\n$/],
  ])('answers %s', async (word, expected) => {
    const { stdout, stderr } = await run(program, [word], { env })
    expect(stdout).toMatch(expected)
    expect(stderr).toBe('')
  })
})
