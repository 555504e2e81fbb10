/** A static program as an image holds it: checked to be one, for the machine that the image is for. */
import { join } from 'node:path'
import type { Architecture } from './archive.ts'
import { staticPath, type StaticName } from './catalogue.ts'
import { readProgram } from './elf.ts'
import { ImagesError } from './error.ts'
import type { LayerEntry } from './layer.ts'
import type { Component } from './sbom/component.ts'

export interface StaticDeps {
  readonly architecture: Architecture
  /** Where static programs lie. */
  readonly statics: string
}

export interface StaticProgram {
  readonly entry: LayerEntry
  readonly components: readonly Component[]
}

export async function staticProgram(name: StaticName, { statics, architecture }: StaticDeps): Promise<StaticProgram> {
  const file = join(statics, name)
  const program = await readProgram(file).catch((error: unknown) => {
    if (!(error instanceof ImagesError) || error.code !== 'IMAGES_FILE_MISSING') throw error
    throw new ImagesError('IMAGES_FILE_MISSING', 'a static program is missing: npm run build:static makes it', { file }, error)
  })
  if (program.architecture !== architecture || program.interpreter !== undefined || program.needed.length > 0) {
    throw new ImagesError('IMAGES_BAD_PROGRAM', 'a program for an image of its own must be static and for its machine', { file, ...program })
  }
  return { entry: { kind: 'file', path: staticPath(name).slice(1), from: file, mode: 0o755 }, components: [] }
}
