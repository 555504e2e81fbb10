import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { keepCompiled } from './tools/check/src/compile-cache.ts'

const root = import.meta.dirname

keepCompiled()

/** Its files each start a suite and set the environment for it; those of other projects share workers, and start in half the time. */
const APART = 'sandbox'

/** Every package, library and tool is a test project of its own name; one definition serves them all. */
export default defineConfig({
  test: {
    projects: globSync('{libs,packages,tools}/*/package.json', { cwd: root }).map((manifest) => ({
      test: {
        name: `@pallas/${basename(dirname(manifest))}`,
        root: join(root, dirname(manifest)),
        include: ['src/**/*.test.ts'],
        setupFiles: [join(root, 'tools/check/src/silent-tests.ts')],
        execArgv: ['--disable-warning=ExperimentalWarning'],
        isolate: basename(dirname(manifest)) === APART,
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
    passWithNoTests: true,
    // One more than there are cores: end-to-end tests mostly wait.
    maxWorkers: availableParallelism() + 1,
    reporters: ['default', join(root, 'tools/check/src/closing-line.ts')],
  },
})
