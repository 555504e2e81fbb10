/**
 * `npm run test:static`: the tests of the host, the contract of the door on the static home, and the end-to-end tests with the static driver and
 * SIA; a file of those that needs Node's home says so, and why.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'
import { buildDoor, buildStatic, testHost } from './static/build-static.ts'
import { endToEndTests } from './static/end-to-end.ts'
import { StaticBuildError } from './static/error.ts'

const PROJECTS = ['@pallas/build', '@pallas/sandbox']

try {
  const { files, left } = endToEndTests(REPOSITORY)
  for (const { name, why } of left) process.stdout.write(`not on the static home: ${name}: ${why}\n`)
  // At once, though each waits while the other has a debug build: what makes bytecode is one, as the tests of the host are.
  await Promise.all([buildStatic().then(() => buildDoor()), testHost()])
  const vitest = join(REPOSITORY, 'node_modules/.bin/vitest')
  const args = ['run', ...PROJECTS.flatMap((name) => ['--project', name]), 'tools/build/src/static/', ...files, ...process.argv.slice(2)]
  const child = spawn(vitest, args, { cwd: REPOSITORY, stdio: 'inherit', env: { ...process.env, PALLAS_HOME: 'static' } })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
} catch (error) {
  if (!(error instanceof StaticBuildError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
