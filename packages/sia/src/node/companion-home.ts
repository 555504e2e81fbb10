/**
 * What runs beside the renewals of `athenz-sia` on Node. Only what the settings ask for is started, and what serves
 * HTTP is not even loaded otherwise: a refresher without servers pays nothing for them.
 */
import { allOf } from '@pallas/credentials'
import type { Change, CompanionDeps, CompanionHome } from '../companions.ts'
import { outputPathsOf } from '../settings/layout.ts'
import { namesServer } from '../settings/settings-companions.ts'
import type { SiaSettings } from '../settings/settings.ts'
import { VERSION } from '../version.ts'
import { createEvents, type Events } from './events.ts'
import { type RunHook, startHook } from './hook.ts'
import { runCommand } from './hook-command.ts'
import { readPid, signalPidFile } from './hook-signal.ts'
import { createPidOwners, type PidOwners } from './pid-owner.ts'

export type HomeProcess = Pick<NodeJS.Process, 'kill' | 'geteuid' | 'pid'>

export interface NodeHomeOptions {
  readonly process: HomeProcess
  /** Where the servers log; by default standard output. */
  readonly logTo?: { readonly write: (line: string) => void }
}

export const nodeCompanions = (options: NodeHomeOptions): CompanionHome => ({
  unfit: () => [],
  start: async (settings, deps, signal) => {
    await using scope = new AsyncDisposableStack()
    const { events, servers } = await prepare(settings, deps, options)
    const owners = await ownersOf(settings, deps, options)
    const hook = scope.use(startHook(hooksOf(settings, { ...deps, events, process: options.process, owners }), signal))
    if (servers !== undefined) scope.use(await servers())
    const parts = scope.move()
    return {
      published: (change) => {
        events.published(change)
        hook.changed(change)
      },
      failed: (failure) => events.notRenewed(failure),
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    }
  },
})

async function prepare(settings: SiaSettings, deps: CompanionDeps, { logTo }: NodeHomeOptions) {
  const { log, clock, members, tokens } = deps
  if (!namesServer(settings)) return { events: createEvents({ log, metrics: undefined }), servers: undefined }
  const { createLogger, createSiaMetrics, startServers } = await import('./servers.ts')
  const now = () => clock.now()
  const metrics =
    settings.metricsServerAddr === undefined
      ? undefined
      : createSiaMetrics({ version: VERSION, members, tokens, now, isCertificate: certificatesOf(settings) })
  const events = createEvents({ log, metrics })
  const destination = logTo === undefined ? {} : { destination: logTo }
  const serverLog = createLogger('athenz-sia', { level: settings.logLevel, ...destination })
  const serverDeps = { ...deps, log: serverLog, events, metrics }
  const servers = () => startServers(settings, serverDeps)
  return { events, servers }
}

function certificatesOf(settings: SiaSettings): (path: string) => boolean {
  const { cert, roles = [] } = outputPathsOf(settings)
  const files = new Set([...allOf(cert), ...roles.map((role) => role.cert)])
  return (path) => files.has(path)
}

interface HookDeps extends CompanionDeps {
  readonly events: Events
  readonly process: HomeProcess
  readonly owners: PidOwners
}

/** Looks at once: whoever is there now is known when its number comes to mean another. */
async function ownersOf({ hookPidFile }: SiaSettings, { clock }: CompanionDeps, { process }: NodeHomeOptions): Promise<PidOwners> {
  const owners = createPidOwners({ now: () => clock.now() })
  const look = async (path: string) => owners.isSame(await readPid(path, process.geteuid?.() ?? 0))
  // Where nothing can be read yet there is nobody to remember; the first signal says what is wrong.
  if (hookPidFile !== undefined) await look(hookPidFile).catch(() => undefined)
  return owners
}

/** The command first, then the signal; the one does not wait for the other's success. */
const hooksOf =
  (settings: SiaSettings, deps: HookDeps): RunHook =>
  async (change, signal) => {
    if (settings.hookCommand.length > 0) await commandAfter(change, settings, deps, signal)
    if (!signal.aborted) await signalAfter(settings, deps)
  }

async function commandAfter(change: Change, settings: SiaSettings, deps: HookDeps, signal: AbortSignal): Promise<void> {
  const { hookCommand: argv, hookTimeout: timeoutMs, shutdownTimeout: stopMs } = settings
  const kill = (pid: number, name: NodeJS.Signals) => void deps.process.kill(pid, name)
  const { outcome, ...facts } = await runCommand(change, { argv, timeoutMs, stopMs, clock: deps.clock, kill }, signal)
  deps.events.hookRan('command', outcome, facts)
}

async function signalAfter({ hookSignal, hookPidFile }: SiaSettings, { events, process, owners }: HookDeps): Promise<void> {
  if (hookSignal === undefined || hookPidFile === undefined) return
  try {
    await signalPidFile({ pidFile: hookPidFile, signal: hookSignal, process, owners })
    events.hookRan('signal', 'ok', {})
  } catch (err) {
    events.hookRan('signal', 'failed', { err })
  }
}
