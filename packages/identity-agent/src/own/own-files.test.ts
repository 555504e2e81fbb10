import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Files } from '@pallas/host'
import { nodeHost } from '@pallas/linux'
import type { Certificate } from '@pallas/x509'
import { expect, test } from 'vitest'
import { createOwnFiles } from './own-files.ts'

const { files } = nodeHost()
const pair = (serial: string) => ({ keyPem: `key ${serial}`, certPem: `cert ${serial}`, leaf: { serial } as Certificate })

function aDirectory() {
  const root = mkdtempSync(join(tmpdir(), 'own-'))
  return { dir: join(root, 'identity'), [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}

const pairIn = ({ keyFile, certFile }: { keyFile: string; certFile: string }) => [keyFile, certFile].map((path) => readFileSync(path, 'utf8'))

test('a pair takes the place of the one before, nothing else is left, and nobody else may read it', async () => {
  using it = aDirectory()
  const own = createOwnFiles(it.dir, { files, clock: { now: () => 7 } })
  await own.save(pair('A1'))
  expect(pairIn(own)).toEqual(['key A1', 'cert A1'])
  await own.save(pair('B2'))
  expect(pairIn(own)).toEqual(['key B2', 'cert B2'])
  expect(readdirSync(it.dir).toSorted()).toEqual(['current', 'pair-B2-7'])
  expect([own.keyFile, own.certFile].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600])
  expect(statSync(join(it.dir, 'pair-B2-7')).mode & 0o777).toBe(0o700)
})

test('what others left in the directory stays', async () => {
  using it = aDirectory()
  const own = createOwnFiles(it.dir, { files, clock: { now: () => 7 } })
  await own.save(pair('A1'))
  writeFileSync(join(it.dir, 'note'), 'mine')
  await own.save(pair('B2'))
  expect(readdirSync(it.dir).toSorted()).toEqual(['current', 'note', 'pair-B2-7'])
})

/** Every call from that one on fails, as after the end of the process. */
function endingAt(step: number): Files {
  let steps = 0
  return new Proxy(files, {
    get(target, name: keyof Files) {
      return (...args: never[]) => {
        if (steps++ >= step) throw new Error('ended')
        return (target[name] as (...given: never[]) => unknown)(...args)
      }
    },
  })
}

test('a crash at whatever step leaves a whole pair, and the next one is saved all the same (T13)', async () => {
  const outcomes = new Set<string>()
  for (let step = 0; step < 14; step++) {
    using it = aDirectory()
    const clock = { now: () => step }
    await createOwnFiles(it.dir, { files, clock }).save(pair('A1'))
    const ending = createOwnFiles(it.dir, { files: endingAt(step), clock: { now: () => step + 100 } })
    await ending.save(pair('B2')).catch(() => undefined)
    outcomes.add(pairIn(ending).join())
    const after = createOwnFiles(it.dir, { files, clock: { now: () => step + 200 } })
    await after.save(pair('C3'))
    expect(pairIn(after)).toEqual(['key C3', 'cert C3'])
    expect(readdirSync(it.dir)).toHaveLength(2)
  }
  expect(outcomes).toEqual(new Set(['key A1,cert A1', 'key B2,cert B2']))
})
