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
  /** Where static programs lie, made when they are not. */
  statics(): Promise<string>
  /** What one is made of. */
  partsOf(name: StaticName): Promise<readonly Component[]>
}

export interface StaticProgram {
  readonly entry: LayerEntry
  readonly components: readonly Component[]
}

/** Throws `IMAGES_FILE_MISSING` or `IMAGES_BAD_PROGRAM`. */
export async function staticProgram(name: StaticName, deps: StaticDeps): Promise<StaticProgram> {
  const file = join(await deps.statics(), name)
  const { architecture, interpreter, needed } = await readProgram(file)
  if (architecture !== deps.architecture || interpreter !== undefined || needed.length > 0) {
    const facts = { file, architecture, interpreter, needed }
    throw new ImagesError('IMAGES_BAD_PROGRAM', 'a program for an image of its own must be static and for its machine', facts)
  }
  return { entry: { kind: 'file', path: staticPath(name).slice(1), from: file, mode: 0o755 }, components: await deps.partsOf(name) }
}
