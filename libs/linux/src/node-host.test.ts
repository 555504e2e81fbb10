import type { MountReport } from '@pallas/host/testing'
import { describeHost, describeMounts } from '@pallas/host/testing/contract'
import { execFile } from 'node:child_process'
import { lchown, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { nodeHost } from './node-host.ts'
import { mountNamespaces } from './testing/namespaces.ts'

const run = promisify(execFile)

async function ownDirectory() {
  const dir = await realpath(await mkdtemp(`${tmpdir()}/door-`))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

describeHost(
  'the Node home',
  async () => {
    const host = nodeHost()
    const own = await ownDirectory()
    return {
      ...own,
      host,
      makeFifo: async (path) => void (await run('mkfifo', [path])),
      makeOddName: (directory) => writeFile(Buffer.concat([Buffer.from(`${directory}/a`), Buffer.of(0xff)]), ''),
      ...(process.geteuid?.() === 0 ? { giveAway: (path: string) => lchown(path, 12_345, 12_345) } : {}),
      pass: (ms) => host.clock.sleep(ms),
      umask: (mask) => {
        const before = process.umask(mask)
        return { [Symbol.dispose]: () => void process.umask(before) }
      },
    }
  },
  // Kept below, in mount namespaces.
  { lacks: ['mounts'] },
)

const CHECK = fileURLToPath(new URL('./testing/check-mounts-main.ts', import.meta.url))

describe.each(mountNamespaces())('$name', ({ available, command: [unshare = '', ...options] }) => {
  test.skipIf(available)('is not to be had on this machine: mounts are not tested in it', () => {
    expect(available).toBe(false)
  })

  describe.runIf(available).each(['at once', 'two-calls'])('by calls %s', (generation) => {
    describeMounts('the Node home', async () => {
      await using own = await ownDirectory()
      const program = [process.execPath, '--disable-warning=ExperimentalWarning', CHECK, own.dir, generation]
      const { stdout, stderr } = await run(unshare, [...options, ...program])
      expect(stderr).toBe('')
      return JSON.parse(stdout) as MountReport
    })
  })
})
