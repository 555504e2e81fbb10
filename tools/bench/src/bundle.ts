/** The programs bundled, as images will hold them; made anew for each run: what is measured is what stands here. */
import { join } from 'node:path'
import { nodeFlagsOf, REPOSITORY } from '@pallas/sandbox'
import { build } from 'esbuild'

/** What came from CommonJS packages asks for `require` in a module. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

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

export interface BundleOptions {
  /** One file, with what is imported on demand in it: loaded whole, wanted or not. */
  readonly oneFile?: boolean
}

/** argv of the bundled program on this very Node. What it imports on demand stays apart, and is loaded on demand. */
export async function bundle(entry: Entry, dir: string, { oneFile = false }: BundleOptions = {}) {
  const outdir = join(dir, 'bundles', oneFile ? `${entry}-one` : entry)
  await build({
    entryPoints: { main: join(REPOSITORY, ENTRIES[entry]) },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: !oneFile,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    banner: { js: BANNER },
    logLevel: 'error',
  })
  return [process.execPath, ...nodeFlagsOf(ENTRIES[entry]), join(outdir, 'main.mjs')]
}
