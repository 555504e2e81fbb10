import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bundleForNode } from './bundle-for-node.ts'
import { nodeFlagsOf } from './repository.ts'

const run = promisify(execFile)
const DRIVER = 'packages/volume-driver/src/main.ts'

async function ownDirectory() {
  const dir = await realpath(await mkdtemp(`${tmpdir()}/bundle-`))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

test.each([[true], [false]])('a program in a bundle (one file: %s) runs on Node alone', async (oneFile) => {
  await using own = await ownDirectory()
  const main = await bundleForNode(DRIVER, own.dir, { oneFile })
  const { stdout, stderr } = await run(process.execPath, [...nodeFlagsOf(DRIVER), main, 'init'], { cwd: own.dir, env: {} })
  expect(JSON.parse(stdout)).toMatchObject({ status: 'Success' })
  expect(stderr).toBe('')
})

test('the same source gives the same files, wherever they are put', async () => {
  await using one = await ownDirectory()
  await using other = await ownDirectory()
  for (const { dir } of [one, other]) await bundleForNode('packages/sia/src/main.ts', dir)
  const names = await readdir(one.dir)
  expect(names.length).toBeGreaterThan(1)
  expect(await readdir(other.dir)).toEqual(names)
  for (const name of names) expect(await readFile(`${other.dir}/${name}`)).toEqual(await readFile(`${one.dir}/${name}`))
})

test('what a first line tells Node is known', () => {
  expect(nodeFlagsOf(DRIVER)).toEqual(['--disable-warning=ExperimentalWarning'])
  expect(nodeFlagsOf('packages/sia/src/main.ts')).toEqual([])
})

test('what went into a bundle is told, its packages among it, and nothing that was left out', async () => {
  await using own = await ownDirectory()
  let inputs: readonly string[] = []
  await bundleForNode('packages/jwt-service/src/main.ts', own.dir, { onInputs: (it) => (inputs = it) })
  expect(inputs).toContain('packages/jwt-service/src/main.ts')
  expect(inputs.some((path) => path.startsWith('node_modules/fastify/'))).toBe(true)
  expect(inputs.filter((path) => path.includes('node_modules/vitest/'))).toEqual([])
})

test('of what speaks HTTP a bundle has the dispatchers, not what only its index asks for', async () => {
  await using own = await ownDirectory()
  let inputs: readonly string[] = []
  await bundleForNode('packages/identity-agent/src/main.ts', own.dir, { onInputs: (it) => (inputs = it) })
  const ofUndici = inputs.filter((path) => path.startsWith('node_modules/undici/lib/'))
  expect(ofUndici).toContain('node_modules/undici/lib/dispatcher/agent.js')
  expect(ofUndici.filter((path) => /\/(mock|cache|web\/fetch\/index|web\/websocket|dispatcher\/proxy)/.test(path))).toEqual([])
})

test('a dispatcher in a bundle asks and is answered as one of the index', async () => {
  await using own = await ownDirectory()
  const main = await bundleForNode('tools/build/src/testing/asks-over-http.ts', own.dir)
  expect((await run(process.execPath, [main])).stdout).toBe('Agent 200 yes\nClient 200 yes\nPool 200 yes\n')
})
