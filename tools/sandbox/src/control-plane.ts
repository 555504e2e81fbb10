/** The suite's own servers, each with the identity it would have in a cluster, all as processes. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ClusterEvents, Timed } from './events.ts'
import type { DriverFiles } from './driver.ts'
import type { Account } from './names.ts'
import { type Program, startProgram } from './processes.ts'
import {
  adminUrl,
  agentArgs,
  behindDoor,
  callbackArgs,
  compiled,
  controlIdentity,
  controlSiaArgs,
  initializerArgs,
  jwtServiceArgs,
  type Listening,
  type ProgramContext,
  PROGRAMS,
} from './programs.ts'

export const SERVERS = ['jwt-service', 'callback', 'initializer', 'identity-agent'] as const
/** The second replicas of those that a cluster runs several of. */
export const REPLICAS = ['jwt-service-2', 'callback-2'] as const
export type ServerName = (typeof SERVERS)[number] | (typeof REPLICAS)[number]

export interface ControlPlane extends AsyncDisposable {
  program(name: ServerName): Program
  /** Ends a server (`kill`: as a crash would) without starting it again. */
  stop(name: ServerName, how?: 'stop' | 'kill'): Promise<void>
  start(name: ServerName): Promise<void>
}

export interface ControlPlaneOptions {
  readonly context: ProgramContext
  readonly driver: DriverFiles
  readonly replicas: 1 | 2
  readonly events: ClusterEvents
  readonly timed: Timed
  /** Aborts what is starting; what runs is ended by disposing. */
  readonly signal?: AbortSignal | undefined
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  await using scope = new AsyncDisposableStack()
  const { context, timed } = options
  const accounts = ['athenz-jwt-service', 'athenz-callback'] as const
  await all(accounts.map((account) => timed(`control-sia for ${account}`, obtainIdentity(options, account))))

  const running = new Map<ServerName, Program>()
  const keep = (name: ServerName, program: Program) => {
    running.set(name, program)
    void program.exited.then((code) => (running.get(name) === program ? options.events.down?.(name, code) : undefined))
  }
  const start = async (name: ServerName) => {
    const { argv, adminPort } = commandOf(name, options)
    const starting = startProgram({ ...common(options, name), argv, adminUrl: adminUrl(adminPort) })
    void starting.then((program) => keep(name, program), () => undefined)
    await timed(name, starting)
  }
  scope.defer(async () => {
    const programs = [...running.values()]
    running.clear()
    await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()))
  })
  // The agent gets its own identity by the callback's word: without one to ask it would wait for its second try.
  const servers = [...SERVERS, ...(options.replicas === 2 ? REPLICAS : [])].filter((name) => name !== 'identity-agent')
  const starting = new Map(servers.map((name) => [name, start(name)]))
  await all([...starting.values(), Promise.resolve(starting.get('callback')).then(() => start('identity-agent'))])
  for (const account of accounts) scope.use(await keepIdentity(options, account))
  const parts = scope.move()
  return {
    program: (name) => running.get(name) ?? missing(name),
    async stop(name, how = 'stop') {
      const program = running.get(name) ?? missing(name)
      running.delete(name)
      await (how === 'kill' ? program.kill() : program[Symbol.asyncDispose]())
    },
    start,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }

  function missing(name: ServerName): never {
    throw new Error(`${name} is not running in ${context.state.dir}`)
  }
}

/** Beside a server of the control plane: renews its identity for as long as it runs. */
function keepIdentity(options: ControlPlaneOptions, account: Account): Promise<Program> {
  const argv = [...controlSia(options.context), ...controlSiaArgs(options.context, account, 'refresh')]
  return startProgram({ ...common(options, `control-sia-${account}-refresh`), argv, daemon: true })
}

async function obtainIdentity(options: ControlPlaneOptions, account: Account): Promise<void> {
  const { cert, ntoken } = controlIdentity(options.context, account)
  for (const path of [cert, ntoken]) mkdirSync(dirname(path), { recursive: true })
  const argv = [...controlSia(options.context), ...controlSiaArgs(options.context, account, 'init')]
  await startProgram({ ...common(options, `control-sia-${account}`), argv })
}

/** Only Node's clock can be set wrong. */
const controlSia = ({ clocks, home }: ProgramContext): readonly string[] =>
  home === 'node' ? clocks.argv(behindDoor(home).controlSia) : behindDoor(home).controlSia

/** Settles with the last of them, so that nothing comes up behind the back of whoever cleans up. */
async function all(steps: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(steps)
  await Promise.all(steps)
}

const common = ({ context, events, signal }: ControlPlaneOptions, name: string) => ({
  signal,
  name,
  reaper: context.reaper,
  env: { PATH: process.env['PATH'] ?? '', ...compiled(), ...context.clocks.env(name) },
  logFile: join(context.state.logs, `${name}.log`),
  onLog: (record: Readonly<Record<string, unknown>>) => events.log?.(name, record),
})

function commandOf(name: ServerName, { context, driver }: ControlPlaneOptions): { argv: string[]; adminPort: number } {
  const { ports, clocks } = context
  const of = (program: readonly string[], args: readonly string[], adminPort: number) =>
    ({ argv: [...clocks.argv(program), ...args], adminPort })
  const jwtService = (at: Listening) => of(PROGRAMS.jwtService, jwtServiceArgs(context, at), at.adminPort)
  const callback = (at: Listening) => of(PROGRAMS.callback, callbackArgs(context, at), at.adminPort)
  switch (name) {
    case 'jwt-service':
      return jwtService({ port: ports.jwtService, adminPort: ports.jwtServiceAdmin })
    case 'jwt-service-2':
      return jwtService({ port: ports.jwtService2, adminPort: ports.jwtService2Admin })
    case 'callback':
      return callback({ port: ports.callback, adminPort: ports.callbackAdmin })
    case 'callback-2':
      return callback({ port: ports.callback2, adminPort: ports.callback2Admin })
    case 'initializer':
      return of(PROGRAMS.initializer, initializerArgs(context), ports.initializerAdmin)
    case 'identity-agent':
      return of(PROGRAMS.agent, agentArgs(context, driver), ports.agentAdmin)
  }
}
