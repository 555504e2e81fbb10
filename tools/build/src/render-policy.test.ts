/** The initializer's other command is imported on demand: it has to be found in what an image holds, too. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bundleForNode } from './bundle-for-node.ts'
import { nodeFlagsOf, REPOSITORY } from './repository.ts'

const run = promisify(execFile)
const INITIALIZER = 'packages/initializer/src/main.ts'
const TEMPLATES = `--templates=${join(REPOSITORY, 'deploy/base/initializer-config.yaml')}`

test.each([[true], [false]])('the initializer in a bundle (one file: %s) renders the policies that are checked in, and says what is wrong', async (oneFile) => {
  const dir = await mkdtemp(join(tmpdir(), 'render-'))
  await using _dir = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
  const main = await bundleForNode(INITIALIZER, dir, { oneFile })
  const render = (...args: readonly string[]) => run(process.execPath, [...nodeFlagsOf(INITIALIZER), main, 'render-policy', ...args], { cwd: dir, env: {} })
  const { stdout, stderr } = await render(TEMPLATES)
  expect([stdout, stderr]).toEqual([await readFile(join(REPOSITORY, 'deploy/overlays/policy/policy.yaml'), 'utf8'), ''])
  expect((await render('--help')).stdout).toContain('--templates')
  await expect(render()).rejects.toMatchObject({ code: 64 })
})
