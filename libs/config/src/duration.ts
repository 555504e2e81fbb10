import { fail, type Kind } from './kind.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  'µs': 1e-3,
  'μs': 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/** Go's durations (`300ms`, `1.5h`, `1h30m`, `0`), not negative, in whole milliseconds. Limits are written the same way. */
export function duration({ min, max }: { min?: string; max?: string } = {}): Kind<number> {
  const least = min === undefined ? 0 : parseDuration(min)
  const most = max === undefined ? Infinity : parseDuration(max)
  const limits = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])]
  return {
    label: ['duration', ...limits].join(', '),
    parse: (it) => {
      const ms = parseDuration(it)
      return ms >= least && ms <= most ? ms : fail(`must be ${limits.join(' and ')}`)
    },
  }
}

function parseDuration(it: string): number {
  if (it === '0') return 0
  const parts = [...it.matchAll(PART)]
  const whole = parts.map(([part]) => part).join('')
  if (parts.length === 0 || whole !== it) return fail('must look like 300ms, 10s, 1.5h or 1h30m')
  const ms = parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (UNIT_MS[unit] ?? 0), 0)
  const rounded = Math.round(ms)
  if (!Number.isSafeInteger(rounded)) return fail('is too long')
  return Math.abs(ms - rounded) < 1e-6 ? rounded : fail('must be whole milliseconds')
}
