import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { InOrder } from './tools/cluster-suite/src/in-order.ts'

const root = import.meta.dirname
const SUITE = join(root, 'tools/cluster-suite/src')
/** All but `launch` need nothing but an API server, and each has names of its own in it: two at a time. `launch` installs the suite meanwhile. */
const AT_A_TIME = ['api-server', 'manifests', 'admission', 'admission-same', 'launch'].map((name) => join(SUITE, `${name}.cluster.ts`))

const shared = {
  root,
  setupFiles: [join(root, 'tools/check/src/silent-tests.ts')],
  execArgv: ['--disable-warning=ExperimentalWarning'],
  testTimeout: 180_000,
  hookTimeout: 300_000,
}

/** The suite on the cluster of this machine. With the suite in it there is room for one file at a time, in an order that is said. */
export default defineConfig({
  test: {
    sequence: { sequencer: InOrder },
    reporters: ['default', join(root, 'tools/check/src/closing-line.ts')],
    projects: [
      { test: { ...shared, name: '@pallas/cluster-suite/first', include: AT_A_TIME, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { test: { ...shared, name: '@pallas/cluster-suite', include: [join(SUITE, '**/*.cluster.ts')], exclude: AT_A_TIME, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
