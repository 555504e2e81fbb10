import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The proofs, which need a whole machine: root, Go, and no cluster on it. `npm test` runs none of them. */
export default defineConfig({
  test: {
    name: '@pallas/real-cluster',
    root: import.meta.dirname,
    include: ['src/proof/*.cluster.ts'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    fileParallelism: false,
    // The first of them may have to build the programs.
    testTimeout: 300_000,
    hookTimeout: 3_600_000,
    reporters: ['default', join(import.meta.dirname, '../check/src/closing-line.ts')],
  },
})
