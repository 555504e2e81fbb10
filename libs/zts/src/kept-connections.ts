/** Connections that are kept between calls. None is used once the roots are others than those it was made under. */
import { Agent, type Dispatcher } from 'undici'

export interface KeptConnections extends AsyncDisposable {
  /** For one call, now. */
  dispatcher(): Dispatcher
}

export interface KeptConnectionsOptions {
  readonly roots: () => string
  /** Ends what a call that gave up has left behind. */
  readonly timeoutMs: number
}

const CONNECTIONS = 32

/** Calls under way keep the connection they have. Disposing ends them all. */
export function keepConnections({ roots, timeoutMs }: KeptConnectionsOptions): KeptConnections {
  const agents = new Set<Agent>()
  let current: { readonly ca: string; readonly agent: Agent } | undefined

  function startAgent(ca: string): Agent {
    const connect = { ...trustOf(ca), timeout: timeoutMs }
    const agent = new Agent({ connect, connections: CONNECTIONS, allowH2: false })
    agents.add(agent)
    return agent
  }
  function retire(agent: Agent): void {
    void agent.close().finally(() => agents.delete(agent))
  }
  return {
    dispatcher() {
      const ca = roots()
      if (current?.ca === ca) return current.agent
      if (current !== undefined) retire(current.agent)
      current = { ca, agent: startAgent(ca) }
      return current.agent
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...agents].map((agent) => agent.destroy()))
    },
  }
}

/** An empty text would make Node trust the roots of the machine. */
export const trustOf = (ca: string): { readonly ca: string | string[] } => ({ ca: ca.trim() === '' ? [] : ca })
