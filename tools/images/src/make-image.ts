/** Makes one image of the catalogue: its archive, and beside it the list of what it holds. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeArchive, type WrittenImage } from './archive.ts'
import { ENVIRONMENT, type Image, labelsOf, NAMESPACE, userOf } from './catalogue.ts'
import { type ContentsDeps, contentsOf } from './contents.ts'
import type { Layer } from './layer.ts'
import { type Component, distinct } from './sbom/component.ts'
import { spdxDocument } from './sbom/spdx.ts'

/** The layer below every image with a Node program, made once. */
export interface SharedBase {
  readonly layer: Layer
  readonly components: readonly Component[]
}

export interface MakeDeps extends ContentsDeps {
  /** Where archives go. */
  readonly out: string
  readonly version: string
  /** Made when an image first asks for it. */
  base(): Promise<SharedBase>
}

export interface MadeImage extends WrittenImage {
  readonly reference: string
  readonly user: string
}

/** Throws `ImagesError`; nothing is left of an image that could not be made. */
export async function makeImage(image: Image, deps: MakeDeps): Promise<MadeImage> {
  const { name } = image
  const { out, version, architecture } = deps
  const { layers, entrypoint, components } = await contentsOf(image, deps)
  const base = image.kind === 'node' ? await deps.base() : undefined
  const reference = `${NAMESPACE}/${name}:${version}`
  const user = userOf(image)
  const written = await writeArchive(join(out, `${name}.tar`), {
    reference,
    architecture,
    layers: [...(base === undefined ? [] : [base.layer]), ...layers],
    entrypoint,
    user,
    labels: labelsOf(image, version),
    env: ENVIRONMENT[image.kind],
  })
  await writeFile(
    join(out, `${name}.spdx.json`),
    spdxDocument({
      name: `${NAMESPACE}/${name}`,
      version,
      digest: written.digest,
      programs: [name, ...(image.kind === 'node' ? (image.carries ?? []) : [])].map((it) => ownProgram(it, version)),
      components: distinct([...(base?.components ?? []), ...components]),
    }),
  )
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
