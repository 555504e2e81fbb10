/** Makes what `npm run images` is asked for, one image after another, from this clone for this machine. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { buildStatic, REPOSITORY } from '@pallas/build'
import type { Image } from './catalogue.ts'
import { contentsOf } from './contents.ts'
import { writeLayer } from './layer.ts'
import { type MadeImage, type MakeDeps, makeImage, type SharedBase } from './make-image.ts'
import { nodeBase, ownArchitecture } from './node-base.ts'
import { debianComponent } from './sbom/debian.ts'
import { type LockFile, npmComponent } from './sbom/npm.ts'
import { staticComponents } from './sbom/static.ts'
import { writeTree } from './tree.ts'

/** Where archives lie, below the repository. */
export const OUT = 'build/images'
export interface Made {
  readonly image: Image
  readonly result: MadeImage | { readonly failure: unknown }
}

/** Tells a person what is being waited for. */
export type Say = (line: string) => void

/** One that cannot be made does not keep the others from it. */
export async function* makeImages(images: readonly Image[], signal: AbortSignal, say: Say = () => undefined): AsyncGenerator<Made> {
  await using site = await openSite(say)
  for (const image of images) {
    signal.throwIfAborted()
    yield { image, result: await makeImage(image, site.deps).catch((failure: unknown) => ({ failure })) }
  }
}

/** What the images hold, as files: `DIR/<name>`, and `DIR/node` and `DIR/system` where a Node program is among them. */
export async function writeFiles(images: readonly Image[], dir: string, { signal, say }: { readonly signal: AbortSignal; readonly say: Say }): Promise<void> {
  await using site = await openSite(say)
  const to = resolve(dir)
  for (const image of images) {
    signal.throwIfAborted()
    const { layers } = await contentsOf(image, site.deps)
    await writeTree(join(to, image.name), layers.flat())
  }
  if (!images.some(({ kind }) => kind === 'node')) return
  const { nodeEntries, systemEntries } = await nodeBase(site.deps.work)
  await writeTree(join(to, 'node'), nodeEntries)
  await writeTree(join(to, 'system'), systemEntries)
}

/** A place to work in, which goes when the work is done. */
async function openSite(say: Say) {
  const out = join(REPOSITORY, OUT)
  await mkdir(out, { recursive: true })
  const work = await mkdtemp(join(out, '.work-'))
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true })
  try {
    return { deps: await makeDeps({ out, work, say }), [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function makeDeps({ out, work, say }: { readonly out: string; readonly work: string; readonly say: Say }): Promise<MakeDeps> {
  let base: Promise<SharedBase> | undefined
  let statics: Promise<string> | undefined
  const lock = await readJson<LockFile>('package-lock.json')
  const { version } = await readJson<{ version: string }>('package.json')
  return {
    out,
    work,
    version,
    architecture: ownArchitecture(),
    lock,
    statics: () => (statics ??= makeStatics(say)),
    partsOf: (name) => staticComponents(name, lock),
    base: () => (base ??= makeBase(work, lock)),
  }
}

/** Nothing is compiled again that has not changed. */
async function makeStatics(say: Say): Promise<string> {
  const { files } = await buildStatic({ onCompile: () => say('compiling the static programs: some minutes from nothing, seconds later …') })
  return dirname(files[0]?.path ?? '')
}

async function makeBase(work: string, lock: LockFile): Promise<SharedBase> {
  const { nodeEntries, systemEntries, packages, node } = await nodeBase(work)
  return {
    layer: await writeLayer(join(work, 'base'), [...nodeEntries, ...systemEntries]),
    components: [npmComponent(`node_modules/${node.npmName}`, lock), ...packages.map(debianComponent)],
  }
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(REPOSITORY, path), 'utf8')) as T
