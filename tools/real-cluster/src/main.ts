/** `npm run cluster`: see `command.ts` for what it takes. */
import { type Command, HELP, parseCommand } from './command.ts'
import { down } from './down.ts'
import { ClusterError, sentenceOf } from './error.ts'
import { kubectl } from './kubectl.ts'
import { load, madeImages } from './load.ts'
import { reboot } from './reboot.ts'
import { restart } from './restart.ts'
import { describeCluster, statusLines } from './status.ts'
import { checkMachine, up } from './up.ts'

const EX_USAGE = 64
const EX_UNAVAILABLE = 69

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const mutter = (line: string): void => void process.stderr.write(`${line}\n`)

// A reader of our words that goes away, `| head`, must not end us in the middle of things.
process.stdout.on('error', () => undefined)

/** Where the user stands: npm has gone to the root of the repository. */
const from = process.env['INIT_CWD'] ?? process.cwd()

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      say(HELP)
      return 0
    case 'wrong':
      mutter(`${command.problem}\n\n${HELP}`)
      return EX_USAGE
    case 'up': {
      await up({ say, signal: stopSignal() })
      for (const line of statusLines(await describeCluster())) say(line)
      return 0
    }
    case 'down':
      say((await down({ say, keepLogs: command.keepLogs })) ? 'the cluster is down, and the machine as it was' : 'there was no cluster')
      return 0
    case 'status': {
      const status = await describeCluster()
      for (const line of command.json ? [JSON.stringify(status, null, 2)] : statusLines(status)) say(line)
      return 0
    }
    case 'kubectl':
      return kubectl(command.args, { from })
    case 'load':
      for (const archive of await load(command.images.length > 0 ? command.images : madeImages(), { from })) say(`loaded ${archive}`)
      return 0
    case 'restart':
      await restart(command.name, { say, signal: stopSignal() })
      say(`${command.name} works again`)
      return 0
    case 'check':
      return await check()
    case 'reboot':
      await reboot({ say, signal: stopSignal() })
      say('the node is Ready again')
      return 0
  }
}

/** What the machine lacks is an answer here, and no failure. */
async function check(): Promise<number> {
  try {
    await checkMachine({ say: mutter, signal: stopSignal() })
    say('this machine can hold a cluster')
    return 0
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    say(sentenceOf(error))
    return EX_UNAVAILABLE
  }
}

/** Aborts at the first ask; clearing up has deadlines of its own, so later ones change nothing. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(new Error('asked to stop')))
  return stop.signal
}

process.exitCode = await main(parseCommand(process.argv.slice(2))).catch((error: unknown) => {
  mutter(`failed: ${sentenceOf(error)}`)
  return 1
})
