/** Comparisons that a noisy machine cannot tilt: A B A B …, so that what comes and goes meets all of them alike. */
import { medianOf } from './statistics.ts'

export interface Variant {
  readonly name: string
  /** One sample, in the unit of the comparison. */
  readonly sample: () => Promise<number>
}

export interface InterleaveOptions {
  readonly rounds: number
  /** Rounds before those that count. */
  readonly warmUp: number
}

/** Samples by name, one a round. Every round begins with another variant, so that no place in it favours one. */
export async function interleave(
  variants: readonly Variant[],
  { rounds, warmUp }: InterleaveOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(variants.map(({ name }) => [name, []]))
  for (let round = -warmUp; round < rounds; round++) {
    for (const { name, sample } of rotated(variants, round + warmUp)) {
      signal.throwIfAborted()
      const taken = await sample()
      if (round >= 0) samples.get(name)?.push(taken)
    }
  }
  return samples
}

export function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = items.length === 0 ? 0 : by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

/** Of medians, both of one interleaved run. */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): number => medianOf(ours) / medianOf(theirs)
