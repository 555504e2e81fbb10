/** What goes into a static file: a program with all that it imports, as one module for the engine. */
import { build } from 'esbuild'
import { REPOSITORY } from '../repository.ts'

/** What the engine parses by itself; `using` too, but the helpers of the bundler close in the order that Node's do. */
const TARGET = 'es2024'

/** The module's text, the same for the same source wherever the repository lies. Nothing of Node may be in it. */
export async function scriptOf(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'neutral',
    // `yaml` has a form for whatever is not Node.
    conditions: ['browser'],
    mainFields: ['browser', 'module', 'main'],
    // Where Node is not, `node-forge` looks for a browser's name of this.
    define: { self: 'globalThis' },
    format: 'esm',
    target: TARGET,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}
