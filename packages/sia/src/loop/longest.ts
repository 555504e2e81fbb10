import type { Lifetime } from '@pallas/credentials'

const LONGEST_MS = 30 * 24 * 3_600_000

/** What was found on disk and claims to live on for longer than anybody issues is replaced at once: it may be planted. */
export const livesTooLong = ({ notAfter }: Lifetime, now: number): boolean => notAfter - now > LONGEST_MS
