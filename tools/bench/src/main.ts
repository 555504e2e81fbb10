/** `npm run bench`: see `command.ts` for what it takes, `catalogue.ts` for what is measured. */
import { currentIsolation, runIsolated, stopSignal } from '@pallas/sandbox'
import { BENCHES } from './catalogue.ts'
import { type Command, HELP, parseCommand } from './command.ts'
import { profileBench, runBenches } from './run.ts'

const EX_USAGE = 64

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const mutter = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      say(HELP)
      return 0
    case 'wrong':
      mutter(`${command.problem}\n\n${HELP}`)
      return EX_USAGE
    case 'list':
      for (const { name, doc, profile } of BENCHES) {
        say(`${name.padEnd(18)} ${doc}${profile === undefined ? '' : ' (profile)'}`)
      }
      return 0
    case 'profile':
    case 'run': {
      const isolation = currentIsolation(process.env)
      if (isolation === undefined) return runIsolated([process.execPath, ...process.execArgv, ...process.argv.slice(1)])
      const terms = { isolation, say, mutter, signal: stopSignal() }
      return command.kind === 'profile' ? profileBench(command.name, terms) : runBenches(command, terms)
    }
  }
}

const known = {
  benches: BENCHES.map(({ name }) => name),
  profiles: BENCHES.filter(({ profile }) => profile !== undefined).map(({ name }) => name),
}

process.exitCode = await main(parseCommand(process.argv.slice(2), known)).catch((error: unknown) => {
  mutter(`failed: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})
