import type { Mounts } from '@pallas/host'
import { mountsUnder, parseMountinfo } from '../mountinfo.ts'
import { native } from './native.ts'
import { asked } from './refusals.ts'

const READS = 5
/** Some hundred thousand mounts. */
const MOST = 64 * 1024 * 1024

export interface StaticMountsOptions {
  /** False: as on a kernel before 5.12. */
  readonly atOnce?: boolean
}

export const staticMounts = ({ atOnce = true }: StaticMountsOptions = {}): Mounts => ({
  bind: async (source, target, { readOnly }) => asked(() => native.bind(source, target, readOnly, atOnce)),
  unmount: async (target) => asked(() => native.unmount(target)),
  under: async (path) => asked(() => mountsUnder(parseMountinfo(readMountinfo()), native.parentsResolved(path))),
})

/** The kernel hands it out in pieces, between which mounts may come and go: read until two readings agree. */
function readMountinfo(): string {
  let last = mountinfo()
  for (let reads = 1; reads < READS; reads++) {
    const next = mountinfo()
    if (next === last) break
    last = next
  }
  return last
}

const mountinfo = (): string => native.decode(native.files.read('/proc/self/mountinfo', MOST), false) ?? ''
