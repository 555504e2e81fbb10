/** `npm run build:static`: the static files of the suite, in `build/static/<arch>/`. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { REPOSITORY } from './repository.ts'
import { buildStatic } from './static/build-static.ts'
import { StaticBuildError } from './static/error.ts'

const { values } = parseArgs({ options: { arch: { type: 'string' } } })
const onCompile = () => void process.stderr.write('compiling the static programs: some minutes from nothing, seconds later …\n')
try {
  const { files, isUnchanged } = await buildStatic({ ...(values.arch === undefined ? {} : { arch: values.arch }), onCompile })
  for (const { path, bytes, sha256 } of files) {
    process.stdout.write(`${sha256.slice(0, 16)}  ${(bytes / 1_000_000).toFixed(2)} MB  ${relative(REPOSITORY, path)}${isUnchanged ? '  unchanged' : ''}\n`)
  }
} catch (error) {
  if (!(error instanceof StaticBuildError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
