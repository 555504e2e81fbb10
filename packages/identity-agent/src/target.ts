/**
 * What a request asks for, from its request target as it came over the wire.
 *
 * Nothing is decoded or resolved: a handle is 43 plain characters, and any other spelling of one is refused before
 * anything is looked up with it.
 */
import { IdentityError } from '@pallas/identity'
import { AGENT_ROUTES, type Handle, parseHandle } from '@pallas/wire'

export type Action = keyof typeof AGENT_ROUTES

export interface Target {
  readonly action: Action
  readonly handle: Handle
}

const METHODS = { names: 'GET', init: 'POST', refresh: 'POST' } as const satisfies Record<Action, string>

/** Throws `ROUTE_UNKNOWN` or `HANDLE_INVALID`. */
export function parseTarget(method: string, target: string): Target {
  for (const action of ['names', 'init', 'refresh'] as const) {
    const prefix = AGENT_ROUTES[action]
    if (method !== METHODS[action] || !target.startsWith(prefix)) continue
    return { action, handle: parseHandle(target.slice(prefix.length)) }
  }
  throw new IdentityError('ROUTE_UNKNOWN', 'no such route')
}
