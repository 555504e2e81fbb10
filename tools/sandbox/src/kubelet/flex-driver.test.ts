import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { podWith } from '../testing/pod-parts.ts'
import { createFlexDriver, mountOptions } from './flex-driver.ts'

let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'flex-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

let made = 0

/** A driver that is this shell script. */
function driver(script: string, env: Record<string, string> = {}) {
  const path = join(dir, `driver-${++made}`)
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return createFlexDriver(path, env)
}

describe('what a driver says', () => {
  test('is its answer when it is one JSON object with Success', async () => {
    const it = driver(`echo '{"status":"Success","capabilities":{"attach":false}}'`)
    expect(await it.call('init')).toEqual({ status: 'Success', capabilities: { attach: false } })
  })

  test('sees the arguments as they are, and no environment but what it is given', async () => {
    const it = driver(`printf '{"status":"Success","message":"%s %s %s %s"}' "$#" "$1" "$2" "\${HOME-none}"`, { PATH: '/usr/bin:/bin' })
    expect((await it.call('unmount', '/a b')).message).toBe('2 unmount /a b none')
  })

  test.each([
    ['Failure', `echo '{"status":"Failure","message":"no volume"}'; exit 1`, 'driver mount: Failure (exit 1): no volume'],
    ['Not supported', `echo '{"status":"Not supported"}'`, 'driver mount: Not supported (exit 0)'],
    ['Success with a bad exit code', `echo '{"status":"Success"}'; exit 3`, 'driver mount: Success (exit 3)'],
    ['an answer with a warning on stderr', `echo careful >&2; echo '{"status":"Success"}'`, 'driver mount: not one JSON object (exit 0)'],
    ['an answer twice', `echo '{"status":"Success"}'; echo '{"status":"Success"}'`, 'driver mount: not one JSON object'],
    ['nothing', 'true', 'driver mount: not one JSON object (exit 0): '],
    ['something else', 'echo hello; exit 2', 'driver mount: not one JSON object (exit 2): hello'],
    ['JSON that is no answer', 'echo 7', 'driver mount: not one JSON object'],
  ])('is an error when it is %s', async (_what, script, message) => {
    await expect(driver(script).call('mount', '/x', '{}')).rejects.toThrow(message)
  })

  test('is an error when there is no driver', async () => {
    await expect(createFlexDriver(join(dir, 'none'), {}).call('init')).rejects.toThrow('ENOENT')
  })
})

/** As a kubelet 1.37 passed it to a driver (recorded), without the secret that the sandbox does not have. */
const RECORDED =
  '{"custom":"val","kubernetes.io/fsType":"","kubernetes.io/mounterArgs.FsGroup":"1234","kubernetes.io/pod.name":"flexpod",' +
  '"kubernetes.io/pod.namespace":"default","kubernetes.io/pod.uid":"cdff1eb7-31ba-4953-8812-355016a7011b",' +
  '"kubernetes.io/pvOrVolumeName":"idv","kubernetes.io/readwrite":"rw","kubernetes.io/serviceAccount.name":"wl"}'

test('options of a mount are byte for byte those that a real kubelet was seen to pass', () => {
  const metadata = { name: 'flexpod', namespace: 'default', uid: 'cdff1eb7-31ba-4953-8812-355016a7011b' }
  const pod = podWith({ serviceAccountName: 'wl', securityContext: { fsGroup: 1234 } }, metadata)
  const volume = { name: 'idv', flexVolume: { driver: 'lab.example/ident', options: { custom: 'val' } } }
  expect(mountOptions(pod, volume)).toBe(RECORDED)
})

test('without fsGroup there is no such option, and a read-only volume says so', () => {
  const options = JSON.parse(mountOptions(podWith(), { name: 'v', flexVolume: { driver: 'v/d', readOnly: true } })) as object
  expect(options).not.toHaveProperty(['kubernetes.io/mounterArgs.FsGroup'])
  expect(options).toMatchObject({ 'kubernetes.io/readwrite': 'ro' })
})
