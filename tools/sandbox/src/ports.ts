/**
 * Ports of this machine's loopback that were free a moment ago, each different.
 *
 * They lie below those that the kernel hands out by itself: whoever asks it for any port, a client of a connection
 * included, cannot take one before its program listens there.
 */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

const FIRST = 10_240
/** Kernels hand out ports from 32 768 on. */
const LAST = 32_767
const MOST_TRIES = 1_000

export async function freePorts<const Names extends readonly string[]>(names: Names): Promise<Record<Names[number], number>> {
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (const _name of names) {
      const [port, server] = await take(ports)
      ports.push(port)
      held.push(server)
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
  return Object.fromEntries(names.map((name, i) => [name, ports[i]])) as Record<Names[number], number>
}

async function take(taken: readonly number[]): Promise<readonly [number, Server]> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = randomInt(FIRST, LAST + 1)
    const server = taken.includes(port) ? undefined : await listen(port)
    if (server !== undefined) return [port, server]
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`)
}

/** Undefined when somebody else listens there. */
function listen(port: number): Promise<Server | undefined> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<Server | undefined>()
  server.once('error', () => resolve(undefined)).listen(port, '127.0.0.1', () => resolve(server))
  return promise
}
