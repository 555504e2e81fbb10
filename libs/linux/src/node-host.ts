import type { Host } from '@pallas/host'
import { nodeClock } from './clock.ts'
import { nodeFiles } from './files.ts'
import { nodeHttp } from './http.ts'
import { nodeKeys } from './keys.ts'
import { nodeMounts } from './mounts.ts'

/** The Node home of the door: this machine, as this process may use it. */
export const nodeHost = (): Host => ({
  clock: nodeClock(),
  files: nodeFiles(),
  http: nodeHttp(),
  keys: nodeKeys(),
  mounts: nodeMounts(),
})
