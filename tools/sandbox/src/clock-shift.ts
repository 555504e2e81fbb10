/**
 * Preload (`node --import`) for programs of the sandbox: their wall clock is off by as many milliseconds as a file says,
 * from at most 50 ms after it says so. Timers and `performance.now()` stay true, and so does OpenSSL, which asks the kernel.
 */
import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 50
const TrueDate = Date
const file = process.env['PALLAS_SANDBOX_CLOCK'] ?? ''
let offsetMs = 0
let lookedAt = -Infinity

function offset(): number {
  if (performance.now() - lookedAt < LOOK_EVERY_MS) return offsetMs
  lookedAt = performance.now()
  try {
    offsetMs = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    // The machine is being taken down, or its clock was never touched.
  }
  return offsetMs
}

const now = (): number => TrueDate.now() + offset()

/** A date that is made of something says what it is made of; only the present moves. */
const Shifted = new Proxy(TrueDate, {
  construct: (target, args: unknown[], made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made) as object,
  apply: () => new TrueDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
})
globalThis.Date = Shifted
