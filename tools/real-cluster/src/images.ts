/** The images that a cluster of ours brings with it: what holds a pod's namespaces, and shells to try things with. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type DebianPackage, debianPackage, type ImageSpec, type LayerEntry, libraryEntries, writeArchive } from '@pallas/images'
import { cacheDirectory, type Programs } from './cache.ts'
import { ClusterError } from './error.ts'
import { run } from './run.ts'

export const PAUSE_IMAGE = 'localhost/pallas/pause:1'
export const BUSYBOX_IMAGE = 'localhost/pallas/busybox:1'
/** busybox, and an `openssl` that can be a client and a server of TLS. */
export const TOOLBOX_IMAGE = 'localhost/pallas/toolbox:1'

/** To be counted up when what follows makes other images of the same programs. */
const RECIPE = 2

/** Paths of their archives, which are made once. */
export async function ensureImages(programs: Programs, env: NodeJS.ProcessEnv): Promise<string[]> {
  const pause = programs.path('pause')
  const key = createHash('sha256').update(`${RECIPE} ${basename(dirname(pause))}`).digest('hex').slice(0, 16)
  const directory = join(cacheDirectory(env), `images-${key}`)
  mkdirSync(directory, { recursive: true })
  const recipes: Readonly<Record<string, () => Promise<ImageSpec>>> = { pause: async () => pauseImage(pause), busybox: busyboxImage, toolbox: toolboxImage }
  const archives: string[] = []
  for (const [name, recipe] of Object.entries(recipes)) {
    const archive = join(directory, `${name}.tar`)
    if (!existsSync(archive)) await writeArchive(archive, await recipe())
    archives.push(archive)
  }
  return archives
}

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

const pauseImage = (pause: string): ImageSpec => ({
  reference: PAUSE_IMAGE,
  architecture,
  layers: [[{ kind: 'file', path: 'pause', from: pause }]],
  entrypoint: ['/pause'],
  user: '65535:65535',
})

const busyboxImage = async (): Promise<ImageSpec> => ({
  reference: BUSYBOX_IMAGE,
  architecture,
  layers: [await busyboxEntries()],
  entrypoint: [],
})

async function toolboxImage(): Promise<ImageSpec> {
  const openssl = await debianPackage('openssl')
  const program = fileIn(openssl, ['usr/bin/openssl'])
  const libraries = await libraryEntries(program, [await sslPackage(), await debianPackage('libc6'), ...(await compressors())])
  const files: LayerEntry[] = [
    { kind: 'file', path: 'usr/bin/openssl', from: program },
    // It makes no certificate without one.
    { kind: 'file', path: 'usr/lib/ssl/openssl.cnf', from: fileIn(openssl, ['etc/ssl/openssl.cnf']), mode: 0o644 },
  ]
  return { reference: TOOLBOX_IMAGE, architecture, layers: [[...(await busyboxEntries()), ...files, ...libraries]], entrypoint: [] }
}

/** Its name says on which machines it stores time in 64 bits. */
const sslPackage = (): Promise<DebianPackage> => debianPackage('libssl3t64').catch(() => debianPackage('libssl3'))

/** Newer releases of libssl link these. */
const compressors = (): Promise<DebianPackage[]> => Promise.all(['zlib1g', 'libzstd1'].map((name) => debianPackage(name)))

const PASSWD = 'root:x:0:0:root:/:/bin/sh\nworkload:x:1001:1001:workload:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'

/** The distribution's static busybox, with a link for each of its applets. */
async function busyboxEntries(): Promise<LayerEntry[]> {
  const from = fileIn(await debianPackage('busybox-static'), ['usr/bin/busybox', 'bin/busybox'])
  const applets = (await run([from, '--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox')
  return [
    { kind: 'file', path: 'bin/busybox', from },
    { kind: 'text', path: 'etc/passwd', text: PASSWD },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...applets.map((name): LayerEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
  ]
}

function fileIn({ name, root }: DebianPackage, paths: readonly string[]): string {
  const found = paths.map((path) => join(root, path)).find((path) => existsSync(path))
  if (found === undefined) throw new ClusterError('CLUSTER_NO_IMAGE', 'a package does not hold what it should', { detail: name })
  return found
}
