/** `npm start`: see `command.ts` for what it takes, `demo.ts` for the story, `cluster.ts` for what is brought up. */
import { type Command, HELP, parseCommand } from './command.ts'
import { launchPod } from './launch-pod.ts'
import { currentIsolation, runIsolated } from './namespace.ts'
import { prepareOut } from './out-directory.ts'
import { up } from './up.ts'

const EX_USAGE = 64

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      say(HELP)
      return 0
    case 'wrong':
      process.stderr.write(`${command.problem}\n\n${HELP}`)
      return EX_USAGE
    case 'pod':
      return launchPod(command, say)
    case 'up': {
      const isolation = currentIsolation(process.env)
      if (isolation === undefined) return runIsolated([process.execPath, ...process.execArgv, ...process.argv.slice(1)])
      const out = command.out === undefined ? undefined : prepareOut(command.out, process.env['INIT_CWD'] ?? process.cwd())
      return up({ ...command, out, isolation, say })
    }
  }
}

process.exitCode = await main(parseCommand(process.argv.slice(2))).catch((error: unknown) => {
  process.stderr.write(`\nfailed: ${error instanceof Error ? error.message : String(error)}\n`)
  return 1
})
