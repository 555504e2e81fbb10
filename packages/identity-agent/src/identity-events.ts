/** What happens to identities: see `events.ts`. */
import type { KeyWish } from '@pallas/wire'
import type { Certificate } from '@pallas/x509'
import { ZtsError } from '@pallas/zts'
import type { EventTools } from './event-tools.ts'
import type { Bound } from './in-flight.ts'
import type { Stale } from './lineage.ts'
import type { Subject } from './subjects.ts'

export type IssuedFacts = Pick<Certificate, 'serial' | 'notAfter'> & {
  readonly call: 'register' | 'refresh'
  readonly origin: KeyWish['origin']
  readonly durationMs: number
  /** Of the document that vouched for the pod: the JWT service and the callback log it too. */
  readonly jti: string | undefined
  readonly requestId: string
}

/** Documents live for minutes with half a minute to spare: a clock that is further off will be noticed. */
const SKEW_TOLD_MS = 30_000

export const identityEvents = ({ write, writeOnce, now, pods, counts }: EventTools) => ({
  identityIssued(subject: Subject, issued: IssuedFacts): void {
    const { call, origin, durationMs, jti, ...rest } = issued
    counts.issued.inc({ call, origin })
    counts.issueDuration.observe({ call }, durationMs / 1_000)
    const { domain, service, instanceId } = subject.workload
    const facts = { domain, service, instanceId, durationMs, ...rest, ...(jti === undefined ? {} : { jti }) }
    write('info', { ...pods.of(subject.volume), ...facts }, 'identity issued')
  },

  /** Nothing can be issued now, and the pod has asked for what it was issued before. */
  identityRepeated(subject: Subject, { serial, notAfter }: Pick<Certificate, 'serial' | 'notAfter'>, reason: string): void {
    counts.repeated.inc()
    const fields = { ...pods.of(subject.volume), serial, notAfter, reason }
    writeOnce([subject.pod.uid, serial], 'warn', fields, 'certificate handed out again, nothing is issued now')
  },

  /** A certificate that is not the newest of its pod was offered for a refresh; it is not shown to ZTS (again). */
  lineageStale(subject: Subject, why: Stale | 'revoked'): void {
    counts.stale.inc({ why })
    const fields = { ...pods.of(subject.volume), reason: 'LINEAGE_STALE', problem: why }
    writeOnce([subject.pod.uid, why], 'warn', fields, 'lineage stale, registering anew')
  },

  /** More was asked for than may wait, for a pod, by a namespace, or in all: this one has to come again. */
  issueOverflowed({ volume, pod }: Subject, bound: Bound): void {
    counts.overflows.inc({ bound })
    const who = bound === 'instance' ? pod.uid : pod.namespace
    const fields = { ...pods.of(volume), reason: 'BUSY', problem: `too much waits for the ${bound}` }
    writeOnce([bound, who], 'warn', fields, 'more identities asked for than may wait')
  },

  contextNotSaved(subject: Subject, err: unknown): void {
    counts.contexts.inc()
    const fields = { ...pods.of(subject.volume), path: subject.volume.paths.context, err }
    writeOnce([subject.pod.uid], 'warn', fields, 'refresh state not saved')
  },

  /** Counts one call of ZTS by its outcome. */
  async ztsCalled<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call()
      counts.zts.inc({ code: 'OK' })
      return answer
    } catch (error) {
      counts.zts.inc({ code: error instanceof ZtsError ? error.code : 'ABORTED' })
      throw error
    }
  },

  /** What time ZTS said it was, epoch milliseconds. */
  ztsTold(time: number): void {
    const skewMs = time - now()
    counts.clockSkew.set(skewMs / 1_000)
    if (Math.abs(skewMs) < SKEW_TOLD_MS) return
    const problem = `zts is ${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this host`
    writeOnce([], 'warn', { problem }, 'the clocks differ')
  },
})
