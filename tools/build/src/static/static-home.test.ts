import type { MountReport } from '@pallas/host/testing'
import { describeHost, describeMounts } from '@pallas/host/testing/contract'
import { mountNamespaces } from '@pallas/linux/testing'
import { execFile } from 'node:child_process'
import { lchown, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { openRemoteHost } from '../testing/remote-host.ts'
import { buildDoor } from './build-static.ts'

const run = promisify(execFile)
const isWanted = process.env['PALLAS_HOME'] === 'static'
const CHECK = fileURLToPath(new URL('../testing/check-mounts-main.ts', import.meta.url))

test.skipIf(isWanted)('the static home is not tried: `npm run test:static` builds it, with Rust, and holds it to the contract', () => {
  expect(isWanted).toBe(false)
})

async function ownDirectory() {
  const dir = await realpath(await mkdtemp(`${tmpdir()}/door-`))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

describe.runIf(isWanted)('built', () => {
  let door = ''
  beforeAll(async () => {
    const { files } = await buildDoor()
    door = files[0]?.path ?? ''
  }, 900_000)

  describeHost(
    'the static home',
    async () => {
      const own = await ownDirectory()
      const remote = openRemoteHost(door)
      return {
        dir: own.dir,
        host: remote.host,
        makeFifo: async (path) => void (await run('mkfifo', [path])),
        makeOddName: (directory) => writeFile(Buffer.concat([Buffer.from(`${directory}/a`), Buffer.of(0xff)]), ''),
        ...(process.geteuid?.() === 0 ? { giveAway: (path: string) => lchown(path, 12_345, 12_345) } : {}),
        pass: (ms) => remote.host.clock.sleep(ms),
        umask: (mask) => {
          const before = process.umask()
          remote.setUmask(mask)
          return { [Symbol.dispose]: () => remote.setUmask(before) }
        },
        [Symbol.asyncDispose]: async () => {
          await remote[Symbol.asyncDispose]()
          await own[Symbol.asyncDispose]()
        },
      }
    },
    // Kept below, in mount namespaces.
    { lacks: ['mounts'] },
  )

  describe.each(mountNamespaces())('$name', ({ available, command: [unshare = '', ...options] }) => {
    test.skipIf(available)('is not to be had on this machine: mounts are not tested in it', () => {
      expect(available).toBe(false)
    })

    describe.runIf(available)('there', () => {
      describeMounts('the static home', async () => {
        await using own = await ownDirectory()
        const { stdout, stderr } = await run(unshare, [...options, process.execPath, CHECK, own.dir, door])
        expect(stderr).toBe('')
        return JSON.parse(stdout) as MountReport
      })
    })
  })
})
