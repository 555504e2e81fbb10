/** `npm run test:cluster`: the suite on the cluster that is up on this machine; the arguments are vitest's. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { describeCluster } from '@pallas/real-cluster'

const { state } = await describeCluster()
if (state === 'up') {
  const args = ['run', '--config', 'vitest.cluster.config.ts', ...process.argv.slice(2)]
  const env = { ...process.env, PALLAS_SUITE_RUN: randomUUID() }
  const child = spawn(join(REPOSITORY, 'node_modules/.bin/vitest'), args, { cwd: REPOSITORY, stdio: 'inherit', env })
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal))
  // A terminal's Ctrl-C reaches it as well.
  process.on('SIGINT', () => void (process.stdin.isTTY || child.kill('SIGINT')))
  child.on('exit', (code) => (process.exitCode = code ?? 1))
} else {
  process.stderr.write(`the cluster is ${state}: bring it up with \`npm run cluster -- up\`\n`)
  process.exitCode = 1
}
