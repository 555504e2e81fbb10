import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { staticParts } from './parts.ts'

const ofOthers = async (name: string) => (await staticParts(name))!.inputs.filter((path) => path.includes('node_modules/'))

test('a static program says which crate and which files it is made of', async () => {
  const sia = (await staticParts('athenz-sia'))!
  expect(existsSync(join(sia.crate, 'Cargo.lock'))).toBe(true)
  expect(sia.target).toMatch(/-unknown-linux-gnu$/)
  expect(sia.inputs).toContain('packages/sia/src/static-main.ts')
  expect((await ofOthers('athenz-control-sia')).length).toBeGreaterThan(0)
  expect(await ofOthers('athenz-sia')).toEqual([])
  const driver = (await staticParts('athenz-volume-driver'))!
  expect(driver.features).not.toEqual(sia.features)
})

test('what is not made is not known', async () => {
  expect(await staticParts('athenz-callback')).toBeUndefined()
})
