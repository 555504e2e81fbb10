import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { InOrder } from './tools/cluster-suite/src/in-order.ts'

const root = import.meta.dirname

/** The suite on the cluster of this machine: one file after another, in an order that is said, for there is one cluster. */
export default defineConfig({
  test: {
    name: '@pallas/cluster-suite',
    root,
    include: ['tools/cluster-suite/src/**/*.cluster.ts'],
    setupFiles: [join(root, 'tools/check/src/silent-tests.ts')],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    sequence: { sequencer: InOrder },
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    reporters: ['default', join(root, 'tools/check/src/closing-line.ts')],
  },
})
