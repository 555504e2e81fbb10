import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { defineConfig } from 'vitest/config'

const root = import.meta.dirname

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
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
    passWithNoTests: true,
    // By default one less than there are, which on two cores leaves one idle: end-to-end tests mostly wait.
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: ['default', join(root, 'tools/check/src/closing-line.ts')],
  },
})
