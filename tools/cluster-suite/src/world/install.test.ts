import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '@pallas/real-cluster'
import type { Material } from '@pallas/trial'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetInstall, installOnce, outcomeIn } from './install.ts'

const MATERIAL = {} as Material
let cluster: Cluster

beforeEach(() => {
  cluster = { stateDirectory: mkdtempSync(join(tmpdir(), 'suite-install-')) } as Cluster
})
afterEach(() => rmSync(cluster.stateDirectory, { recursive: true }))

test('is done once in a run, and anew in another', async () => {
  const how = vi.fn(async () => undefined)
  for (const run of ['one', 'one', 'two', 'two']) await installOnce(cluster, MATERIAL, run, how)
  expect(how).toHaveBeenCalledTimes(2)
})

test('is tried once in a run: the next file fails at once, and says why', async () => {
  const how = vi.fn(() => Promise.reject(new Error('no image of the agent')))
  await expect(installOnce(cluster, MATERIAL, 'one', how)).rejects.toThrow('no image of the agent')
  await expect(installOnce(cluster, MATERIAL, 'one', how)).rejects.toThrow('nothing can be tested on it: no image of the agent')
  expect(how).toHaveBeenCalledTimes(1)
  await expect(installOnce(cluster, MATERIAL, 'two', how)).rejects.toThrow('no image')
  expect(how).toHaveBeenCalledTimes(2)
})

test('is forgotten when it was taken away', async () => {
  await installOnce(cluster, MATERIAL, 'one', async () => undefined)
  expect(outcomeIn(cluster)).toEqual({ run: 'one' })
  forgetInstall(cluster)
  expect(outcomeIn(cluster)).toBeUndefined()
})
