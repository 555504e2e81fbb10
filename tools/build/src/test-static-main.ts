/**
 * `npm run test:static`: the tests of the host, the contract of the door on the static home, and the end-to-end tests with the static driver and
 * SIA. What needs a Node beside the SIA (metrics, tokens) or its clock to be wrong runs in `npm test` alone.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { REPOSITORY } from './repository.ts'
import { buildDoor, buildStatic, testHost } from './static/build-static.ts'
import { StaticBuildError } from './static/error.ts'

const PROJECTS = ['@pallas/build', '@pallas/sandbox']
const TESTS = [
  'tools/build/src/static/',
  ...['launch', 'renewal', 'refusals', 'agent-key', 'end-of-a-pod', 'outage', 'zts-faults', 'control-identity', 'pod-events'].map(
    (name) => `tools/sandbox/src/e2e/${name}.test.ts`,
  ),
]

try {
  await buildStatic()
  await buildDoor()
  await testHost()
  const vitest = join(REPOSITORY, 'node_modules/.bin/vitest')
  const args = ['run', ...PROJECTS.flatMap((name) => ['--project', name]), ...TESTS, ...process.argv.slice(2)]
  const child = spawn(vitest, args, { cwd: REPOSITORY, stdio: 'inherit', env: { ...process.env, PALLAS_HOME: 'static' } })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
} catch (error) {
  if (!(error instanceof StaticBuildError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
