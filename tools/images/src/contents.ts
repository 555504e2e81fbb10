/** What lies in an image of the catalogue, above the base that it shares with others, and what that was made of. */
import { access, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleForNode, nodeFlagsOf, REPOSITORY } from '@pallas/build'
import { bundleDirectory, entrypointOf, type Image, type NodeImage } from './catalogue.ts'
import { ImagesError } from './error.ts'
import type { LayerEntry } from './layer.ts'
import type { Component } from './sbom/component.ts'
import { licenceTexts } from './sbom/licences.ts'
import { type LockFile, npmComponents } from './sbom/npm.ts'
import { type StaticDeps, staticProgram } from './static-program.ts'

export interface ContentsDeps extends StaticDeps {
  /** Takes what is made on the way, and must last as long as the entries. */
  readonly work: string
  readonly lock: LockFile
}

export interface Contents {
  /** Static programs, then what changes with the project's own code. No layer is empty. */
  readonly layers: readonly (readonly LayerEntry[])[]
  readonly entrypoint: readonly string[]
  readonly components: readonly Component[]
}

/** Throws `ImagesError` when a program is not there, or not what it should be. */
export async function contentsOf(image: Image, deps: ContentsDeps): Promise<Contents> {
  if (image.kind === 'static') {
    const { entry, components } = await staticProgram(image.name, deps)
    return { layers: [[entry]], entrypoint: entrypointOf(image, []), components }
  }
  await access(join(REPOSITORY, image.entry)).catch((cause: unknown) => {
    throw new ImagesError('IMAGES_FILE_MISSING', 'the program is not in this clone', { entry: image.entry }, cause)
  })
  const carried = []
  for (const name of image.carries ?? []) carried.push(await staticProgram(name, deps))
  const bundle = await bundleContents(image, deps)
  return {
    layers: [...(carried.length === 0 ? [] : [carried.map(({ entry }) => entry)]), bundle.entries],
    entrypoint: entrypointOf(image, nodeFlagsOf(image.entry)),
    components: [...carried.flatMap(({ components }) => components), ...npmComponents(bundle.inputs, deps.lock)],
  }
}

async function bundleContents({ name, entry }: NodeImage, { work }: ContentsDeps) {
  const dir = join(work, 'bundles', name)
  await mkdir(dir, { recursive: true })
  let inputs: readonly string[] = []
  await bundleForNode(entry, dir, { onInputs: (it) => (inputs = it) })
  const docs = `usr/share/doc/${name}`
  const place = bundleDirectory(name).slice(1)
  const entries: LayerEntry[] = [
    ...(await readdir(dir)).map((file): LayerEntry => ({ kind: 'file', path: `${place}/${file}`, from: join(dir, file), mode: 0o644 })),
    { kind: 'text', path: `${docs}/LICENSE`, text: await readFile(join(REPOSITORY, 'LICENSE'), 'utf8') },
    { kind: 'text', path: `${docs}/licences.txt`, text: await licenceTexts(REPOSITORY, inputs) },
  ]
  return { entries, inputs }
}
