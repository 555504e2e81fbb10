/** A certificate with what belongs to it: fetched, published as one, and fetched again before it grows old. */
import { type CredentialSet, type Due, DUE_NOW, type Lifetime, lifetimeOf, type Renewable, renewAt, worstOf } from '@pallas/credentials'
import { type Clock, HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { CheckedIdentity } from '../identity/check.ts'
import { livesTooLong } from './longest.ts'
import type { Log } from '../log.ts'
import type { Output, Published } from '../output/output.ts'
import type { FetchRoles, RolesGot } from '../identity/roles.ts'
import { mayBeReplicating } from '../zts/call.ts'

/** With less of its life left than this, what is on disk is replaced though not everything could be had. */
const LITTLE = 0.2
/** What could not be completed by then is begun anew. */
const STALE = 0.5
/** A role that was there is given up after it was denied for so long, or for a tenth of life: others may be at work on it. */
const SETTLED = { afterMs: 10 * 60_000, share: 0.1 }

export interface RenewableDeps {
  readonly clock: Clock
  readonly log: Log
  readonly output: Output
  readonly fetch: (signal: AbortSignal) => Promise<CheckedIdentity>
  /** What goes with the identity and needs it. Whether it may be put in place without what could not be had. */
  readonly roles?: { readonly fetch: FetchRoles; readonly mayWait: boolean }
  /** What lies on disk and still counts. */
  readonly current: () => Promise<Published | undefined>
  /** Lives of further members of a set that only a renewal can prolong. */
  readonly otherLives: (set: CredentialSet) => readonly Lifetime[]
  /** Whether what is published must be replaced though it is young. */
  readonly outdated?: (published: Published) => Promise<boolean>
  readonly maxIntervalMs: number | undefined
  /** Told what is in place now, and whether it was put there just now. */
  readonly onPublished?: (published: Published, isNew: boolean) => void
  /** Told whenever there is an identity to ask further things with, on disk or not. */
  readonly onIdentity?: () => void
  /** Told what could not be renewed: a role by its name, the service without one. */
  readonly onFailed?: (error: unknown, role?: string) => void
}

export interface SetRenewable extends Renewable {
  /** The youngest identity that was got, on disk or not. */
  newest(): CredentialSet | undefined
}

export function createRenewable(deps: RenewableDeps): SetRenewable {
  const { clock, log, output, current, otherLives, outdated, maxIntervalMs } = deps
  const { onPublished = () => {}, onFailed = () => {}, onIdentity = () => {} } = deps
  const gather = createGathering(deps)
  let isFirst = true
  let published: Published | undefined

  const lifeOf = ({ leaf, set, roles }: Published): Lifetime =>
    lifetimeOf([leaf, ...roles.values(), ...otherLives(set)])
  const dueOf = (found: Published, since?: number): Due => {
    const { leaf } = found
    const life = lifeOf(found)
    const bound = maxIntervalMs === undefined ? {} : { maxIntervalMs, ...(since === undefined ? {} : { since }) }
    const issue = { first: isFirst, ...bound }
    isFirst = false
    return { serial: leaf.serial, life, at: renewAt(life, issue, clock.random()) }
  }
  const publish = async (identity: CheckedIdentity): Promise<Published> => {
    try {
      published = await output.publish(identity)
    } catch (error) {
      if (!(error instanceof HostError)) gather.forget()
      onFailed(error)
      throw error
    }
    onPublished(published, true)
    return published
  }
  return {
    newest: () => gather.held()?.set ?? published?.set,
    due: async () => {
      published = await current()
      if (published === undefined) return DUE_NOW
      onPublished(published, false)
      onIdentity()
      return published.isWhole && !livesTooLong(published.leaf, clock.now()) ? dueOf(published) : DUE_NOW
    },
    serving: () => published && lifeOf(published),
    outdated: async () => published !== undefined && outdated !== undefined && outdated(published),
    renew: async (signal) => {
      const { identity, problem, refused } = await gather.all(signal)
      if (problem === undefined) {
        const due = dueOf(await publish(identity), clock.now())
        gather.forget()
        log.info({ serial: due.serial, notAfter: due.life.notAfter, renewAt: due.at }, 'credentials published')
        return due
      }
      const there = published && { ...published, life: lifeOf(published) }
      if (deps.roles?.mayWait === true && isBetter(identity, there, { now: clock.now(), refused })) {
        const { leaf } = await publish(identity)
        log.warn({ serial: leaf.serial, err: problem }, 'credentials published without some role certificates')
      }
      throw problem
    },
  }
}

interface Judging {
  readonly now: number
  readonly refused: ReadonlySet<string>
}

/** Better than what is there: nothing is taken from readers but what ZTS refuses for good, or they are about to lose it all. */
function isBetter(
  { set: { roles = [] }, leaf }: CheckedIdentity,
  there: (Pick<Published, 'roles' | 'leaf'> & { readonly life: Lifetime }) | undefined,
  { now, refused }: Judging,
): boolean {
  if (there === undefined) return true
  const { notBefore, notAfter } = there.life
  if (notAfter - now < LITTLE * (notAfter - notBefore)) return true
  const names = new Set(roles.map(({ name }) => name))
  const before = [...there.roles.keys()]
  const isNews = before.length < names.size || there.leaf.serial !== leaf.serial
  return isNews && before.every((name) => names.has(name) || refused.has(name))
}

interface Gathered {
  readonly identity: CheckedIdentity
  readonly problem: unknown
  /** Roles that are missing because ZTS has denied them for a while. */
  readonly refused: ReadonlySet<string>
}

/** An identity and its roles, kept until it is whole: asking the issuer again for what is there would not help. */
function createGathering({ clock, log, fetch, roles, onFailed = () => {}, onIdentity = () => {} }: RenewableDeps) {
  const refusals = createRefusalsOfRoles(clock)
  let held: CheckedIdentity | undefined
  let staleAt = 0

  const begin = async (signal: AbortSignal): Promise<CheckedIdentity> => {
    try {
      const identity = await fetch(signal)
      staleAt = clock.monotonic() + STALE * Math.max(0, identity.leaf.notAfter - clock.now())
      return identity
    } catch (error) {
      if (!signal.aborted) onFailed(error)
      throw error
    }
  }

  return {
    held: () => held,
    forget: () => {
      held = undefined
    },
    all: async (signal: AbortSignal): Promise<Gathered> => {
      if (clock.monotonic() >= staleAt) held = undefined
      held ??= await begin(signal)
      onIdentity()
      if (roles === undefined) return { identity: held, problem: undefined, refused: new Set() }
      const got = await roles.fetch(held, signal)
      held = { ...held, set: { ...held.set, roles: got.roles } }
      for (const [name, err] of got.missing) {
        log.warn({ err, name }, 'a role certificate could not be had')
        onFailed(err, name)
      }
      const problem = worstOf([...got.missing.values()])
      return { identity: held, problem, refused: refusals.settled(got, held.leaf) }
    },
  }
}

function createRefusalsOfRoles(clock: Pick<Clock, 'monotonic'>) {
  const since = new Map<string, number>()
  return {
    /** Those that were denied for long enough, an outage in between or not. */
    settled: ({ roles, missing }: RolesGot, { notBefore, notAfter }: Lifetime): ReadonlySet<string> => {
      const now = clock.monotonic()
      for (const { name } of roles) since.delete(name)
      for (const [name, error] of missing) if (isFinal(error)) since.set(name, since.get(name) ?? now)
      const afterMs = Math.min(SETTLED.afterMs, SETTLED.share * (notAfter - notBefore))
      return new Set([...missing.keys()].filter((name) => now - (since.get(name) ?? now) >= afterMs))
    },
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof IdentityError && error.kind === 'denied' && !mayBeReplicating(error)
