/** What a static program is made of: crates, npm packages in its script, and what the compiler and the C library left in it. */
import { staticParts } from '@pallas/build'
import { ImagesError } from '../error.ts'
import { type RunTool, runTool } from '../tool.ts'
import { cargoComponents } from './cargo.ts'
import { type Component, distinct } from './component.ts'
import { type LockFile, npmComponents } from './npm.ts'

export async function staticComponents(name: string, lock: LockFile, run: RunTool = runTool): Promise<Component[]> {
  const parts = await staticParts(name)
  if (parts === undefined) throw new ImagesError('IMAGES_NO_PACKAGE', 'nobody knows what a static program is made of', { name })
  const { crate: dir, target, features, inputs } = parts
  return distinct([
    ...(await cargoComponents({ dir, target, features }, run)),
    ...npmComponents(inputs, lock),
    await linked('rust', ['rustc', '--version'], 'its standard library', 'MIT OR Apache-2.0', run),
    await linked('glibc', ['ldd', '--version'], 'linked statically', 'LGPL-2.1-or-later', run),
  ])
}

/** Of the machine that makes the list, which is the one that made the file. */
async function linked(name: string, ask: readonly [string, ...string[]], comment: string, licence: string, run: RunTool): Promise<Component> {
  const said = (await run(ask)).split('\n')[0] ?? ''
  const [version] = /\d+\.\d+(\.\d+)?(-[\w.+~-]+)?/.exec(said) ?? []
  if (version === undefined) throw new ImagesError('IMAGES_TOOL_FAILED', 'a tool does not say its version', { ask, said })
  return { kind: 'generic', name, version, licence, checksum: undefined, comment, purl: `pkg:generic/${name}@${encodeURIComponent(version)}` }
}
