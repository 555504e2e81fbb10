/** The wall clocks of the sandbox's programs, each of which a test can set wrong (`clock-shift.ts` is their other end). */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Clocks {
  /** Resolves when the programs of that name go by it. `pods` is every container that runs a program of the suite. */
  shift(name: string, ms: number): Promise<void>
  /** `argv` and environment of a program on the pinned Node whose clock goes by that name. */
  argv(argv: readonly string[]): readonly string[]
  env(name: string): Readonly<Record<string, string>>
}

const PRELOAD = fileURLToPath(new URL('clock-shift.ts', import.meta.url))
/** Twice what the other end takes to notice. */
const NOTICED_MS = 100

export function createClocks(dir: string): Clocks {
  mkdirSync(dir, { recursive: true, mode: 0o755 })
  return {
    async shift(name, ms) {
      const draft = join(dir, `.${name}`)
      writeFileSync(draft, String(ms))
      renameSync(draft, join(dir, name))
      await new Promise((resolve) => setTimeout(resolve, NOTICED_MS))
    },
    argv: ([node = '', ...rest]) => [node, `--import=${PRELOAD}`, ...rest],
    env: (name) => ({ PALLAS_SANDBOX_CLOCK: join(dir, name) }),
  }
}

/** Of a sandbox whose clocks are all right. */
export const TRUE_CLOCKS: Clocks = {
  shift: () => Promise.reject(new Error('this sandbox was started without clocks that can be shifted')),
  argv: (argv) => argv,
  env: () => ({}),
}
