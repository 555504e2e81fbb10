/** Makes one image of the catalogue and the list of what it holds. */
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleForNode, nodeFlagsOf, REPOSITORY } from '@pallas/build'
import { type Architecture, writeArchive, type WrittenImage } from './archive.ts'
import { bundleDirectory, entrypointOf, type Image, labelsOf, NAMESPACE, type NodeImage, type StaticName, userOf } from './catalogue.ts'
import { ImagesError } from './error.ts'
import type { Layer, LayerEntry } from './layer.ts'
import type { PinnedNode } from './node-base.ts'
import type { Component } from './sbom/component.ts'
import { licenceTexts } from './sbom/licences.ts'
import { type LockFile, npmComponent, npmComponents } from './sbom/npm.ts'
import { spdxDocument } from './sbom/spdx.ts'
import { staticProgram } from './static-program.ts'

/** The layer below every image with a Node program, made once. */
export interface SharedBase {
  readonly layer: Layer
  readonly node: PinnedNode
  readonly components: readonly Component[]
}

export interface MakeDeps {
  /** Where archives go. */
  readonly out: string
  /** Takes what is made on the way. */
  readonly work: string
  readonly version: string
  readonly architecture: Architecture
  readonly lock: LockFile
  /** Where static programs lie. */
  readonly statics: string
  /** Made when an image first asks for it. */
  base(): Promise<SharedBase>
}

export interface MadeImage extends WrittenImage {
  readonly reference: string
  readonly user: string
}

interface Contents {
  readonly layers: readonly (Layer | readonly LayerEntry[])[]
  readonly flags: readonly string[]
  readonly components: readonly Component[]
}

/** Throws `ImagesError`; nothing is left of an image that could not be made. */
export async function makeImage(image: Image, deps: MakeDeps): Promise<MadeImage> {
  const { name } = image
  const { out, version, architecture } = deps
  const { layers, flags, components } = image.kind === 'static' ? await staticContents(image.name, deps) : await nodeContents(image, deps)
  const reference = `${NAMESPACE}/${name}:${version}`
  const user = userOf(image)
  const written = await writeArchive(join(out, `${name}.tar`), {
    reference,
    architecture,
    layers,
    entrypoint: entrypointOf(image, flags),
    user,
    labels: labelsOf(image, version),
    ...(image.kind === 'node' ? { env: { NODE_ENV: 'production' } } : {}),
  })
  const programs = [name, ...(image.kind === 'node' ? (image.carries ?? []) : [])].map((it) => ownProgram(it, version))
  const list = spdxDocument({ name: `${NAMESPACE}/${name}`, version, digest: written.digest, programs, components })
  await writeFile(join(out, `${name}.spdx.json`), list)
  return { ...written, reference, user }
}

const ownProgram = (name: string, version: string): Component => ({
  kind: 'program',
  name,
  version,
  licence: 'Apache-2.0',
  checksum: undefined,
  purl: undefined,
})

async function staticContents(name: StaticName, deps: MakeDeps): Promise<Contents> {
  const { entry, components } = await staticProgram(name, deps)
  return { layers: [[entry]], flags: [], components }
}

async function nodeContents(image: NodeImage, deps: MakeDeps): Promise<Contents> {
  await access(join(REPOSITORY, image.entry)).catch((cause: unknown) => {
    throw new ImagesError('IMAGES_FILE_MISSING', 'the program is not in this clone', { entry: image.entry }, cause)
  })
  const base = await deps.base()
  const carried = []
  for (const name of image.carries ?? []) carried.push(await staticProgram(name, deps))
  const bundle = await bundleContents(image, deps)
  const node = npmComponent(`node_modules/${base.node.npmName}`, deps.lock)
  return {
    layers: [base.layer, ...(carried.length === 0 ? [] : [carried.map(({ entry }) => entry)]), bundle.entries],
    flags: nodeFlagsOf(image.entry),
    components: distinct([node, ...base.components, ...carried.flatMap(({ components }) => components), ...npmComponents(bundle.inputs, deps.lock)]),
  }
}

const distinct = (components: readonly Component[]): Component[] =>
  [...new Map(components.map((it) => [it.purl, it])).values()]

async function bundleContents({ name, entry }: NodeImage, { work }: MakeDeps) {
  const dir = join(work, 'bundles', name)
  await mkdir(dir, { recursive: true })
  let inputs: readonly string[] = []
  await bundleForNode(entry, dir, { onInputs: (it) => (inputs = it) })
  const place = bundleDirectory(name).slice(1)
  const files = (await readdir(dir)).map((file): LayerEntry => ({ kind: 'file', path: `${place}/${file}`, from: join(dir, file), mode: 0o644 }))
  const licences: LayerEntry = { kind: 'text', path: `usr/share/doc/${name}/licences.txt`, text: await licenceTexts(REPOSITORY, inputs) }
  const own: LayerEntry = { kind: 'text', path: `usr/share/doc/${name}/LICENSE`, text: await readFile(join(REPOSITORY, 'LICENSE'), 'utf8') }
  return { entries: [...files, licences, own], inputs }
}
