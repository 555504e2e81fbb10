import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const main = fileURLToPath(new URL('testing/tiny-main.ts', import.meta.url))
const tiny = (...args: string[]) => run(process.execPath, [main, ...args])

test('--version and --help end with a line feed and exit 0', async () => {
  expect((await tiny('--version')).stdout).toBe('athenz-tiny 1.2.3\n')
  expect((await tiny('--help')).stdout).toMatch(/--log-level[\s\S]*\n$/)
})

test('wrong settings are all told on stderr, and the exit code is 64', async () => {
  await expect(tiny('--bogus', '--admin-listen=here')).rejects.toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/^athenz-tiny: invalid settings:[\s\S]*--bogus[\s\S]*--admin-listen/),
  })
})

test('a server is started with its settings, a log of its name, and stops on SIGTERM with exit code 0', async () => {
  const { stdout } = await tiny('--log-level=warn')
  expect(JSON.parse(stdout)).toMatchObject({ program: 'athenz-tiny', level: 'warn', msg: 'started', version: '1.2.3' })
})
