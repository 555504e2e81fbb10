import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeApi, podWith, UID } from '../testing/pod-parts.ts'
import type { FlexDriver } from './flex-driver.ts'
import { createVolumes, type Volumes } from './volumes.ts'

let rootDir: string
let calls: string[][]
let failure: Error | undefined
let volumes: Volumes

beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'volumes-'))
  calls = []
  failure = undefined
  const driver: FlexDriver = {
    call: (...args) => {
      calls.push(args)
      return failure === undefined ? Promise.resolve({ status: 'Success' }) : Promise.reject(failure)
    },
  }
  const api = fakeApi({ configMap: async (namespace, name) => ({ a: `a of ${namespace}/${name}`, b: 'b' }) })
  volumes = createVolumes({ rootDir, api, drivers: new Map([['athenz.io/driver', driver]]) })
})
afterEach(() => rmSync(rootDir, { recursive: true }))

const pod = podWith()
const flex = { name: 'identity', flexVolume: { driver: 'athenz.io/driver' } }
const modeOf = (path: string): number => statSync(path).mode & 0o7777

const path = () => join(rootDir, 'pods', UID, 'volumes/athenz.io~driver/identity')

describe('a flexVolume', () => {
  test('lies where a real kubelet puts it, and its directory is there before the driver is called', async () => {
    await volumes.setUp(pod, flex)
    expect(volumes.pathOf(pod, flex)).toBe(path())
    expect(calls).toEqual([['mount', path(), expect.stringContaining(UID)]])
    expect(modeOf(path())).toBe(0o750)
  })

  test('that cannot be mounted leaves no directory, and may be tried again', async () => {
    failure = new Error('driver mount: Failure')
    await expect(volumes.setUp(pod, flex)).rejects.toThrow('Failure')
    expect(existsSync(path())).toBe(false)
    failure = undefined
    await volumes.setUp(pod, flex)
    expect(existsSync(path())).toBe(true)
  })

  test('of an unknown driver is an error that names it', async () => {
    await expect(volumes.setUp(pod, { name: 'v', flexVolume: { driver: 'x/y' } })).rejects.toThrow('no flexvolume driver x/y')
  })

  test('is taken away by the driver, then by its directory', async () => {
    await volumes.setUp(pod, flex)
    await volumes.tearDown(pod, flex)
    expect(calls.at(-1)).toEqual(['unmount', path()])
    expect(existsSync(path())).toBe(false)
  })

  test('that the driver cannot unmount stays, to be tried again', async () => {
    await volumes.setUp(pod, flex)
    failure = new Error('busy')
    await expect(volumes.tearDown(pod, flex)).rejects.toThrow('busy')
    expect(existsSync(path())).toBe(true)
  })

  test('that was never set up is nothing to take away', async () => {
    await volumes.tearDown(pod, flex)
    expect(calls).toEqual([])
  })
})

describe('an emptyDir', () => {
  const scratch = { name: 'tls', emptyDir: {} }

  test('may be written by anybody, or with fsGroup by that group, which new files belong to', async () => {
    await volumes.setUp(pod, scratch)
    expect(modeOf(volumes.pathOf(pod, scratch))).toBe(0o777)
    const group = process.getgid?.() ?? 0
    const grouped = podWith({ securityContext: { fsGroup: group } }, { uid: 'other' })
    await volumes.setUp(grouped, scratch)
    expect(modeOf(volumes.pathOf(grouped, scratch))).toBe(0o2777)
    expect(statSync(volumes.pathOf(grouped, scratch)).gid).toBe(group)
  })

  test('goes with all that is in it', async () => {
    await volumes.setUp(pod, scratch)
    mkdirSync(join(volumes.pathOf(pod, scratch), 'deep/er'), { recursive: true })
    await volumes.tearDown(pod, scratch)
    await volumes.tearDown(pod, scratch)
    expect(existsSync(volumes.pathOf(pod, scratch))).toBe(false)
  })
})

test('a projected volume holds token, config map and fields, where it is told to', async () => {
  const sources = [
    { serviceAccountToken: { path: 'token', audience: 'zts' } },
    { configMap: { name: 'ca', items: [{ key: 'a', path: 'ca.crt' }] } },
    { configMap: { name: 'all' } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ]
  const volume = { name: 'access', projected: { sources } }
  await volumes.setUp(pod, volume)
  const read = (name: string) => readFileSync(join(volumes.pathOf(pod, volume), name), 'utf8')
  expect(['token', 'ca.crt', 'a', 'b', 'namespace'].map(read)).toEqual(['token for zts, 3607 s', 'a of shop/ca', 'a of shop/all', 'b', 'shop'])
})

test('a pod that is forgotten leaves nothing', async () => {
  await volumes.setUp(pod, { name: 'tls', emptyDir: {} })
  await volumes.forgetPod(pod)
  expect(existsSync(join(rootDir, 'pods', UID))).toBe(false)
})
