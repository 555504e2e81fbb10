/** One look at what is wanted and what is held: all metrics of one scrape are made from the same. */
import type { Member, MemberKind, Tokens } from '../companions.ts'

export interface Seen {
  readonly members: readonly Member[]
  readonly held: ReturnType<Tokens['held']>
  /** Epoch milliseconds. */
  readonly now: number
}

/** Sets the gauges of one subject. */
export type Look = (seen: Seen) => void

export const TOKEN_KINDS = ['access-token', 'role-token'] as const satisfies readonly MemberKind[]
