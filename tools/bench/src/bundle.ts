/** The programs bundled, as images will hold them; made anew for each run: what is measured is what stands here. */
import { bundleForNode, type BundleOptions, nodeFlagsOf } from '@pallas/build'
import { join } from 'node:path'

export const ENTRIES = {
  driver: 'packages/volume-driver/src/main.ts',
  sia: 'packages/sia/src/main.ts',
  agent: 'packages/identity-agent/src/main.ts',
  jwtService: 'packages/jwt-service/src/main.ts',
  callback: 'packages/callback/src/main.ts',
  initializer: 'packages/initializer/src/main.ts',
  profiledDriver: 'tools/bench/src/profile/driver-main.ts',
} as const

export type Entry = keyof typeof ENTRIES

/** argv of the bundled program on this very Node. */
export async function bundle(entry: Entry, dir: string, options: BundleOptions = {}) {
  const outdir = join(dir, 'bundles', options.oneFile === true ? `${entry}-one` : entry)
  return [process.execPath, ...nodeFlagsOf(ENTRIES[entry]), await bundleForNode(ENTRIES[entry], outdir, options)]
}
