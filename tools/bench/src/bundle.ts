/** Programs as one file each, as they are installed: made anew for a run, so that what is measured is what stands here. */
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/sandbox'
import { build } from 'esbuild'

/** What came from CommonJS packages asks for `require` in a module. */
const BANNER = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

export const ENTRIES = {
  driver: 'packages/volume-driver/src/main.ts',
  sia: 'packages/sia/src/main.ts',
  agent: 'packages/identity-agent/src/main.ts',
  jwtService: 'packages/jwt-service/src/main.ts',
  callback: 'packages/callback/src/main.ts',
  initializer: 'packages/initializer/src/main.ts',
} as const

export type Entry = keyof typeof ENTRIES

export interface BundleOptions {
  readonly minify?: boolean
}

/** argv of the bundled program on this very Node. */
export async function bundle(entry: Entry, dir: string, { minify = false }: BundleOptions = {}): Promise<readonly string[]> {
  const outfile = join(dir, `${entry}${minify ? '.min' : ''}.mjs`)
  await build({
    entryPoints: [join(REPOSITORY, ENTRIES[entry])],
    outfile,
    bundle: true,
    minify,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    banner: { js: BANNER },
    logLevel: 'error',
  })
  return [process.execPath, '--disable-warning=ExperimentalWarning', outfile]
}
