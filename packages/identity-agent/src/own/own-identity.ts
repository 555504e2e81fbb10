/**
 * The agent's own certificate: what lies on disk if it still counts, otherwise a new one, and renewed for ever.
 *
 * Without one the agent is not ready, and says why. While one is valid it stays ready, whatever stands in the way of the
 * next; a refusal is tried again too, slowly, for its cause may end.
 */
import { type Due, DUE_NOW, keepFresh, type Lifetime, renewAt } from '@pallas/credentials'
import type { Clock } from '@pallas/host'
import { runUntilDisposed } from '@pallas/runtime'
import type { TlsFiles } from '@pallas/service'
import type { Certificate } from '@pallas/x509'
import { findOwn, type FindOwnDeps } from './find-own.ts'
import type { Obtain } from './obtain.ts'
import { codeOf, type OwnEvents } from './own-events.ts'
import type { OwnFiles } from './own-files.ts'

export interface OwnIdentityDeps extends FindOwnDeps {
  readonly obtain: Obtain
  readonly files: Pick<OwnFiles, 'save'>
  /** Told of the pair as soon as there is one: it is followed from then on. */
  readonly onFirst: (tls: TlsFiles) => void
  readonly clock: Clock
  readonly events: OwnEvents
}

export interface OwnIdentity extends AsyncDisposable {
  /** Why there is no certificate that counts. */
  readonly problem: () => string | undefined
}

/** Resolves when it is known whether a pair on disk counts; everything else goes on beside. */
export async function keepOwnIdentity(deps: OwnIdentityDeps): Promise<OwnIdentity> {
  const { onFirst, clock, events } = deps
  const found = await findOwn(deps)
  if (found !== undefined) onFirst(found.tls)
  let reason: string | undefined
  const own = renewable(deps, found?.tls, () => {
    reason = undefined
  })
  const onFailure = (error: unknown, delayMs: number): void => {
    reason = codeOf(error)
    events.failed(error, delayMs)
  }
  const due = async (): Promise<Due> => (found === undefined ? DUE_NOW : dueOf(found.leaf, { first: false }, clock))
  const running = runUntilDisposed((signal) => keepFresh({ ...own, due }, { clock, onFailure }, signal))
  return {
    problem() {
      const why = reason === undefined ? '' : `: ${reason}`
      const notAfter = own.serving()?.notAfter
      if (notAfter === undefined) return `no certificate of its own yet${why}`
      return notAfter > clock.now() ? undefined : `own certificate has expired${why}`
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await own.close()
    },
  }
}

/** `tls` is what serves already. */
function renewable({ obtain, files, open, onFirst, clock, events }: OwnIdentityDeps, tls: TlsFiles | undefined, onRenewed: () => void) {
  let serving = tls

  async function use(): Promise<void> {
    if (serving !== undefined) return serving.reload()
    serving = await open()
    onFirst(serving)
  }

  return {
    async renew(signal: AbortSignal): Promise<Due> {
      const first = serving === undefined
      const credentials = await obtain(signal)
      await files.save(credentials)
      await use()
      onRenewed()
      events.issued(credentials.leaf)
      return dueOf(credentials.leaf, { first, since: clock.now() }, clock)
    },
    serving: (): Lifetime | undefined => (serving === undefined ? undefined : { notBefore: 0, notAfter: serving.notAfter() }),
    close: async (): Promise<void> => serving?.[Symbol.asyncDispose](),
  }
}

function dueOf({ serial, notBefore, notAfter }: Certificate, issue: Parameters<typeof renewAt>[1], clock: Clock): Due {
  const life = { notBefore, notAfter }
  return { serial, life, at: renewAt(life, issue, clock.random()) }
}
