/** The images that a cluster of ours brings with it: what holds a pod's namespaces, and a shell to try things with. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { debianPackage, type ImageSpec, type LayerEntry, writeArchive } from '@pallas/images'
import { cacheDirectory, type Programs } from './cache.ts'
import { run } from './run.ts'

export const PAUSE_IMAGE = 'localhost/pallas/pause:1'
export const BUSYBOX_IMAGE = 'localhost/pallas/busybox:1'

/** To be counted up when what follows makes other images of the same programs. */
const RECIPE = 1

/** Paths of their archives, which are made once. */
export async function ensureImages(programs: Programs, env: NodeJS.ProcessEnv): Promise<string[]> {
  const pause = programs.path('pause')
  const key = createHash('sha256').update(`${RECIPE} ${basename(dirname(pause))}`).digest('hex').slice(0, 16)
  const directory = join(cacheDirectory(env), `images-${key}`)
  mkdirSync(directory, { recursive: true })
  const recipes: Readonly<Record<string, () => Promise<ImageSpec>>> = { pause: async () => pauseImage(pause), busybox: busyboxImage }
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

const PASSWD = 'root:x:0:0:root:/:/bin/sh\nworkload:x:1001:1001:workload:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'

/** The distribution's static busybox, with a link for each of its applets. */
async function busyboxImage(): Promise<ImageSpec> {
  const { root } = await debianPackage('busybox-static')
  const from = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(root, path)).find((path) => existsSync(path)) ?? join(root, 'bin/busybox')
  const applets = (await run([from, '--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox')
  const files: LayerEntry[] = [
    { kind: 'file', path: 'bin/busybox', from },
    { kind: 'text', path: 'etc/passwd', text: PASSWD },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...applets.map((name): LayerEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
  ]
  return { reference: BUSYBOX_IMAGE, architecture, layers: [files], entrypoint: [] }
}
