/** A program of the suite with all that it imports, for Node alone, as images hold it. */
import { join } from 'node:path'
import { build } from 'esbuild'
import { contributing } from './contributing.ts'
import { leanUndici } from './lean-undici.ts'
import { REPOSITORY } from './repository.ts'

/** What came from CommonJS packages asks for `require` in a module. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

export interface BundleOptions {
  /** One file, with what is imported on demand in it: loaded whole, wanted or not. */
  readonly oneFile?: boolean
  /** Told the files that went in, as paths below the repository. */
  readonly onInputs?: (inputs: readonly string[]) => void
}

/**
 * Bundles the program at `entry`, a path below the repository, into `outdir`; the path of its main file. What it imports
 * on demand stays apart, and is loaded on demand. The same source gives the same bytes. Names are kept, space is not: a
 * program holds its text for as long as it runs.
 */
export async function bundleForNode(entry: string, outdir: string, { oneFile = false, onInputs }: BundleOptions = {}): Promise<string> {
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: { main: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: !oneFile,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    banner: { js: BANNER },
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [leanUndici],
    logLevel: 'error',
    metafile: true,
  })
  onInputs?.(contributing(metafile))
  return join(outdir, 'main.mjs')
}
