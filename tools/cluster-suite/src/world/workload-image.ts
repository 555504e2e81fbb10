/** The image of the pods that tests launch: a shell, Node, and the workloads of the suite. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bundleForNode, REPOSITORY } from '@pallas/build'
import { debianPackage, type LayerEntry, libraryEntries, writeArchive } from '@pallas/images'
import { load } from '@pallas/real-cluster'
import type { WorkloadName } from '@pallas/suite'

export const WORKLOAD_IMAGE = 'localhost/pallas/suite-workload:1'
const WORKLOADS: readonly WorkloadName[] = ['serve', 'call', 'intrude', 'ask']
const PLACE = 'usr/lib/suite'
const LIBRARIES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1']
const PASSWD = 'root:x:0:0:root:/:/bin/sh\nworkload:x:10001:10001:workload:/:/bin/sh\n'

/** argv in a container of that image. */
export const workloadCommand = (name: WorkloadName): readonly string[] => ['/usr/bin/node', `/${PLACE}/${name}/main.mjs`]

/** Makes the image and puts it on the node. */
export async function loadWorkloadImage(): Promise<void> {
  const parent = join(REPOSITORY, 'build')
  await mkdir(parent, { recursive: true })
  const work = await mkdtemp(join(parent, '.suite-workload-'))
  try {
    const archive = join(work, 'suite-workload.tar')
    const layers = [await shell(), await node(), await bundles(work)]
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
    await writeArchive(archive, { reference: WORKLOAD_IMAGE, architecture, layers, entrypoint: [] })
    await load([archive])
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function shell(): Promise<LayerEntry[]> {
  const { root } = await debianPackage('busybox-static')
  const binary = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(root, path)).find((path) => existsSync(path))
  if (binary === undefined) throw new Error('the distribution has no static busybox')
  const { stdout } = await promisify(execFile)(binary, ['--list'], { timeout: 10_000 })
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  return [
    { kind: 'file', path: 'bin/busybox', from: binary, mode: 0o755 },
    { kind: 'text', path: 'etc/passwd', text: PASSWD },
    { kind: 'text', path: 'etc/nsswitch.conf', text: 'hosts: files dns\n' },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...applets.map((name): LayerEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
  ]
}

/** The Node that the project pins, and the libraries that it asks for. */
async function node(): Promise<LayerEntry[]> {
  const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`)
  const binary = join(dirname(manifest), 'bin/node')
  const packages = await Promise.all(LIBRARIES.map((name) => debianPackage(name)))
  return [{ kind: 'file', path: 'usr/bin/node', from: binary, mode: 0o755 }, ...(await libraryEntries(binary, packages))]
}

async function bundles(work: string): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = []
  for (const name of WORKLOADS) {
    const dir = join(work, name)
    await bundleForNode(`tools/suite/src/workload/${name}.ts`, dir)
    for (const file of await readdir(dir)) entries.push({ kind: 'file', path: `${PLACE}/${name}/${file}`, from: join(dir, file), mode: 0o644 })
  }
  return entries
}
