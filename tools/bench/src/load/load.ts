/**
 * Load on a server, in two forms. Open loop: requests are due at fixed times, and each wait counts from when its
 * request was due, so that a server which stalls is not spared those that would have come meanwhile. Closed loop: as
 * many as it takes.
 */
import { cpuTimeOf } from '../proc.ts'
import { type Connection, openConnection, type Target } from './connection.ts'

export interface Plan {
  readonly target: Target
  /** Sent in turn; `once`: each at most once. */
  readonly bodies: readonly string[]
  readonly once: boolean
  readonly connections: number
  /** Absent: as many as it takes. */
  readonly ratePerSecond?: number
  readonly warmUpMs: number
  readonly forMs: number
  /** The server, for its processor time. */
  readonly pid: number
}

export interface Outcome {
  /** Milliseconds of each request that counts: from when it was due in an open loop, from its start in a closed one. */
  readonly waits: readonly number[]
  /** Milliseconds from when each was due until it was sent. */
  readonly late: readonly number[]
  readonly failed: number
  readonly seconds: number
  /** Processor seconds of the server meanwhile. */
  readonly serverSeconds: number
}

interface Tally {
  readonly waits: number[]
  readonly late: number[]
  failed: number
}

export async function load(plan: Plan): Promise<Outcome> {
  const connections = await Promise.all(Array.from({ length: plan.connections }, () => openConnection(plan.target)))
  const source = sourceOf(plan)
  try {
    await phase(plan, plan.warmUpMs, connections, source)
    const before = { at: performance.now(), cpu: cpuTimeOf(plan.pid).own }
    const tally = await phase(plan, plan.forMs, connections, source)
    const seconds = (performance.now() - before.at) / 1_000
    return { ...tally, seconds, serverSeconds: (cpuTimeOf(plan.pid).own - before.cpu) / 1_000 }
  } finally {
    for (const connection of connections) connection.close()
  }
}

interface Source {
  next(): string | undefined
}

function sourceOf({ bodies, once }: Plan): Source {
  let turn = 0
  return { next: () => bodies[once ? turn++ : turn++ % bodies.length] }
}

const phase = (plan: Plan, forMs: number, connections: readonly Connection[], source: Source): Promise<Tally> =>
  plan.ratePerSecond === undefined
    ? closedLoop(forMs, connections, source)
    : openLoop(forMs, plan.ratePerSecond, connections, source)

async function closedLoop(forMs: number, connections: readonly Connection[], source: Source): Promise<Tally> {
  const tally: Tally = { waits: [], late: [], failed: 0 }
  const end = performance.now() + forMs
  const one = async (connection: Connection) => {
    while (performance.now() < end) {
      const body = source.next()
      if (body === undefined) return
      await sent(connection, body, performance.now(), tally)
    }
  }
  await Promise.all(connections.map(one))
  return tally
}

type Connections = readonly Connection[]

async function openLoop(forMs: number, rate: number, connections: Connections, source: Source): Promise<Tally> {
  const tally: Tally = { waits: [], late: [], failed: 0 }
  const free = [...connections]
  const running = new Set<Promise<void>>()
  const start = performance.now()
  const count = Math.floor((forMs / 1_000) * rate)
  for (let i = 0; i < count; i++) {
    const due = start + (i * 1_000) / rate
    const connection = await freeAt(due, free)
    const body = source.next()
    if (body === undefined) break
    const request = sent(connection, body, due, tally).then(() => {
      free.push(connection)
      running.delete(request)
    })
    running.add(request)
  }
  await Promise.all(running)
  return tally
}

/** Waits by turning the event loop: a timer would be up to a millisecond late. */
async function freeAt(due: number, free: Connection[]): Promise<Connection> {
  for (;;) {
    if (performance.now() >= due) {
      const connection = free.shift()
      if (connection !== undefined) return connection
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const OK = 200

async function sent(connection: Connection, body: string, due: number, tally: Tally): Promise<void> {
  tally.late.push(performance.now() - due)
  const status = await connection.post(body)
  tally.waits.push(performance.now() - due)
  if (status !== OK) tally.failed++
}
