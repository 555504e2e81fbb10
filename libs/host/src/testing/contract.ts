/** The promises every home of the door keeps. Run it against each; what a home lacks is skipped under its name. */
import { beforeAll, describe, expect, test } from 'vitest'
import { describeClock } from './contract-clock.ts'
import { describeFiles } from './contract-files.ts'
import { describeHttp } from './contract-http.ts'
import { describeKeys } from './contract-keys.ts'
import { mountPromises, type MountReport } from './contract-mounts.ts'
import type { HostUnderTest, Lack } from './under-test.ts'

export interface HostSuite {
  readonly lacks?: readonly Lack[]
}

export function describeHost(name: string, open: () => Promise<HostUnderTest>, suite: HostSuite = {}): void {
  const lacks = new Set(suite.lacks)
  describe(`${name} keeps the contract of the door`, () => {
    describeFiles(open, lacks)
    describeHttp(open, lacks)
    describeKeys(open, lacks)
    describeClock(open)
    describe.skipIf(lacks.has('mounts'))('mounts', () => {
      test.each(Object.entries(mountPromises))('%s', async (_name, promise) => {
        await using it = await open()
        await promise(it)
      })
    })
  })
}

/** The promises about mounts, kept elsewhere: `run` has them all checked and tells what became of each. */
export function describeMounts(name: string, run: () => Promise<MountReport>): void {
  describe(`${name} keeps the contract of mounts`, () => {
    let report: MountReport = {}
    beforeAll(async () => {
      report = await run()
    }, 60_000)

    test.each(Object.keys(mountPromises))('%s', (promise) => {
      expect(report[promise]).toBeNull()
    })
  })
}
