/** What is left of a pod that has gone: nothing, on its host and at ZTS. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { certificateOf, deletePod, handleOf, launch, request } from '../pods.ts'
import type { World } from '../world.ts'

const UPSTREAM_DEADLINE_MS = 60_000

/** `between` is called when the first pod runs. */
export function describeEndOfAPod<W extends World>(name: string, open: () => Promise<W>, between: (it: W) => void = () => undefined): void {
  describe(`${name}: the end of a pod`, () => {
    let it: W

    beforeAll(async () => {
      it = await open()
    })
    afterAll(() => it[Symbol.asyncDispose]())

    test('a deleted pod leaves no volume, no instance record at ZTS, though two callbacks look after it, and its name is free for another identity (T39, W8, W40)', async () => {
      const { volumesDir } = it.node
      const others = readdirSync(volumesDir)
      const first = await launch(it, request(it, 'web-0'))
      between(it)
      const firstHandle = handleOf(it, first)
      const firstCert = certificateOf(it, first)
      await deletePod(it, first.metadata)
      expect(existsSync(join(volumesDir, firstHandle))).toBe(false)
      const deletions = async () =>
        (await it.athenz.calls()).filter(({ operation, instanceId }) => operation === 'delete' && instanceId === first.metadata.uid)
      const deletion = eventually('the instance deleted at ZTS by the callback', async () => (await deletions())[0], UPSTREAM_DEADLINE_MS)

      const second = await launch(it, request(it, 'web-0'))
      expect(second.metadata.uid).not.toBe(first.metadata.uid)
      expect(handleOf(it, second)).not.toBe(firstHandle)
      const secondCert = certificateOf(it, second)
      expect(secondCert.commonName).toBe(firstCert.commonName)
      expect(secondCert.names.dns[1]).toBe(`${second.metadata.uid}.instanceid.athenz.${it.athenz.dnsSuffix}`)

      await deletePod(it, second.metadata)
      expect(readdirSync(volumesDir)).toEqual(others)
      expect(await deletion).toMatchObject({ principal: it.athenz.provider, status: 204 })
      // Whoever of the two is second finds nothing to delete, which ZTS says the same of.
      const all = await deletions()
      expect(all.length).toBeLessThanOrEqual(2)
      expect(all.filter(({ status }) => status !== 204)).toEqual([])
      expect(await it.athenz.recordOf(first)).toBeUndefined()
    }, 180_000)
  })
}
