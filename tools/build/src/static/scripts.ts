/** What goes into a static file: a program with all that it imports, as one module for the engine. */
import { build } from 'esbuild'
import { contributing } from '../contributing.ts'
import { REPOSITORY } from '../repository.ts'

/** What the engine parses by itself; `using` too, but the helpers of the bundler close in the order that Node's do. */
const TARGET = 'es2024'

/** The module's text, the same for the same source wherever the repository lies. Nothing of Node may be in it. */
export const scriptOf = async (entry: string): Promise<string> => (await bundle(entry)).outputFiles[0]?.text ?? ''

/** The files that the module is made of, as paths below the repository. */
export const scriptInputs = async (entry: string): Promise<string[]> => contributing((await bundle(entry)).metafile)

const bundle = (entry: string) =>
  build({
    absWorkingDir: REPOSITORY,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'neutral',
    // `yaml` has a form for whatever is not Node.
    conditions: ['browser'],
    mainFields: ['browser', 'module', 'main'],
    format: 'esm',
    target: TARGET,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
  })
