/** `npm run trial`: see `command.ts` for what it takes, `show.ts` and `remove.ts` for what it does. */
import { resolve } from 'node:path'
import { systemClock } from '@pallas/runtime'
import { clusterAtHand } from './cluster-at-hand.ts'
import { type Command, HELP, parseCommand } from './command.ts'
import { TrialError } from './error.ts'
import { findOwnCluster } from './own-cluster.ts'
import { remove } from './remove.ts'
import { show } from './show.ts'

const EX_USAGE = 64

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(command: Command, signal: AbortSignal): Promise<number> {
  if (command.kind === 'help') {
    say(HELP.trimEnd())
    return 0
  }
  if (command.kind === 'wrong') {
    process.stderr.write(`TRIAL_USAGE: ${command.problem}\n\n${HELP}`)
    return EX_USAGE
  }
  const kubeconfig = command.kubeconfig === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? process.cwd(), command.kubeconfig)
  const cluster = await clusterAtHand({ ...command, kubeconfig }, { env: process.env, findOwn: findOwnCluster, signal })
  const work = { cluster, deps: { clock: systemClock, signal, say }, timeoutMs: command.timeoutMs }
  await (command.kind === 'delete' ? remove(work) : show(work))
  return 0
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new DOMException('asked to stop', 'AbortError')))
process.exitCode = await main(parseCommand(process.argv.slice(2)), stop.signal).catch((error: unknown) => {
  if (stop.signal.aborted) return 0
  process.stderr.write(`\n${error instanceof TrialError ? `${error.code}: ${error.message}` : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
})
