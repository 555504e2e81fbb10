/** A certificate with what belongs to it: fetched, published, and fetched again before it grows old. */
import { type CredentialSet, type Lifetime, lifetimeOf, renewAt } from '@pallas/credentials'
import { type Clock, HostError } from '@pallas/host'
import type { Identity } from './check.ts'
import { type Due, DUE_NOW, type Renewable } from './keep-fresh.ts'
import type { Log } from './log.ts'
import type { Output, Published } from './output.ts'

export interface RenewableDeps {
  readonly clock: Clock
  readonly log: Log
  readonly output: Output
  readonly fetch: (signal: AbortSignal) => Promise<Identity>
  /** What lies on disk and still counts. */
  readonly current: () => Promise<Published | undefined>
  /** Lives of further members of a set that only a renewal can prolong. */
  readonly otherLives: (set: CredentialSet) => readonly Lifetime[]
  /** Whether what is published must be replaced though it is young. */
  readonly outdated?: (published: Published) => Promise<boolean>
  readonly maxIntervalMs: number | undefined
}

export function createRenewable(deps: RenewableDeps): Renewable {
  const { clock, log, output, fetch, current, otherLives, outdated, maxIntervalMs } = deps
  let isFirst = true
  /** Fetched, but the disk did not take it: asking the issuer again would not help. */
  let unpublished: Identity | undefined
  let published: Published | undefined

  const dueOf = (found: Published, since?: number): Due => {
    const { leaf, set } = found
    published = found
    const life = lifetimeOf([leaf, ...otherLives(set)])
    const bound = maxIntervalMs === undefined ? {} : { maxIntervalMs, ...(since === undefined ? {} : { since }) }
    const issue = { first: isFirst, ...bound }
    isFirst = false
    return { serial: leaf.serial, life, at: renewAt(life, issue, clock.random()) }
  }

  return {
    due: async () => {
      const found = await current()
      return found === undefined ? DUE_NOW : dueOf(found)
    },
    outdated: async () => published !== undefined && outdated !== undefined && outdated(published),
    renew: async (signal) => {
      unpublished ??= await fetch(signal)
      try {
        const due = dueOf(await output.publish(unpublished), clock.now())
        unpublished = undefined
        log.info({ serial: due.serial, notAfter: due.life.notAfter, renewAt: due.at }, 'credentials published')
        return due
      } catch (error) {
        if (!(error instanceof HostError)) unpublished = undefined
        throw error
      }
    },
  }
}
