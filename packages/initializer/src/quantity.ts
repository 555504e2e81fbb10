const EXPONENT: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }

/** Whether two values are the same Kubernetes quantity: `1000m` is `1`. What is no quantity is the same as itself. */
export function isSameQuantity(one: unknown, other: unknown): boolean {
  const amount = quantityOf(one)
  return amount === undefined ? one === other : amount === quantityOf(other)
}

/** In billionths, rounded up as the server does; undefined for something else. */
function quantityOf(value: unknown): bigint | undefined {
  const [, whole, fraction = '', suffix = '', exponent] =
    /^\+?(\d{1,30})(?:\.(\d{0,18}))?([numkMGTPE]?|[KMGTPE]i|[eE]([+-]?\d{1,2}))$/.exec(String(value)) ?? []
  if (whole === undefined) return undefined
  const digits = BigInt(whole + fraction)
  const binary = BINARY[suffix]
  const power = 9 - fraction.length + (binary === undefined ? Number(exponent ?? EXPONENT[suffix] ?? 0) : 0)
  const scaled = digits * 2n ** BigInt(binary ?? 0)
  if (power >= 0) return scaled * 10n ** BigInt(power)
  const divisor = 10n ** BigInt(-power)
  return (scaled + divisor - 1n) / divisor
}
