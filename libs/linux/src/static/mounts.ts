import type { Mounts } from '@pallas/host'
import { native } from './native.ts'
import { asked, bytewise } from './refusals.ts'

export interface StaticMountsOptions {
  /** False: as on a kernel before 5.12. */
  readonly atOnce?: boolean
}

export const staticMounts = ({ atOnce = true }: StaticMountsOptions = {}): Mounts => ({
  bind: async (source, target, { readOnly }) => asked(() => native.bind(bytewise(source), bytewise(target), readOnly, atOnce)),
  unmount: async (target) => asked(() => native.unmount(bytewise(target))),
  under: async (path) => asked(() => native.mountsUnder(bytewise(path))),
})
