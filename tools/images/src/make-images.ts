/** Makes images one after another; one that cannot be made does not keep the others from it. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import type { Image } from './catalogue.ts'
import { writeLayer } from './layer.ts'
import { type MadeImage, type MakeDeps, makeImage, type SharedBase } from './make-image.ts'
import { nodeBase, ownArchitecture } from './node-base.ts'
import { debianComponent } from './sbom/debian.ts'
import type { LockFile } from './sbom/npm.ts'

/** Where archives and static programs lie, below the repository. */
export const OUT = 'build/images'
const STATICS = 'build/static'

export interface Made {
  readonly image: Image
  readonly result: MadeImage | { readonly failure: unknown }
}

export async function* makeImages(images: readonly Image[], signal: AbortSignal): AsyncGenerator<Made> {
  const out = join(REPOSITORY, OUT)
  await mkdir(out, { recursive: true })
  const work = await mkdtemp(join(out, '.work-'))
  try {
    const deps = await makeDeps(out, work)
    for (const image of images) {
      signal.throwIfAborted()
      yield { image, result: await makeImage(image, deps).catch((failure: unknown) => ({ failure })) }
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function makeDeps(out: string, work: string): Promise<MakeDeps> {
  let base: Promise<SharedBase> | undefined
  const { version } = await readJson<{ version: string }>('package.json')
  return {
    out,
    work,
    version,
    architecture: ownArchitecture(),
    lock: await readJson<LockFile>('package-lock.json'),
    statics: join(REPOSITORY, STATICS, process.arch),
    base: () => (base ??= makeBase(work)),
  }
}

async function makeBase(work: string): Promise<SharedBase> {
  const { entries, packages, node } = await nodeBase(work)
  return { layer: await writeLayer(join(work, 'base'), entries), node, components: packages.map(debianComponent) }
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(REPOSITORY, path), 'utf8')) as T
