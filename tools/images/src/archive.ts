/**
 * OCI image archives (image-spec 1.1, image layout in a tar) made from files alone: no registry, no container tool, no
 * base image. The same input gives the same bytes. containerd takes the name from the annotation of the index.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Layer, type LayerEntry, writeLayer } from './layer.ts'
import { type Descriptor, openTar, type TarWriter } from './tar-writer.ts'

export type Architecture = 'amd64' | 'arm64'

export interface ImageSpec {
  /** What pods call it, with its tag: `localhost/pallas/athenz-sia:0.1.0`. */
  readonly reference: string
  readonly architecture: Architecture
  /** Lowest first. A layer that several images share is written once and named here. */
  readonly layers: readonly (Layer | readonly LayerEntry[])[]
  readonly entrypoint: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `uid:gid`; root when it is missing. */
  readonly user?: string
  readonly workingDir?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface WrittenImage {
  readonly file: string
  /** Of the manifest: what a registry would know the image by. */
  readonly digest: string
  /** Of all layers together, which is what a node stores. */
  readonly size: number
  readonly layers: readonly Descriptor[]
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const EPOCH = '1970-01-01T00:00:00Z'
const PATH = '/usr/local/bin:/usr/bin:/bin'

/** Writes the archive, whole or not at all. Throws what `writeLayer` throws. */
export async function writeArchive(out: string, spec: ImageSpec): Promise<WrittenImage> {
  const work = await mkdtemp(join(dirname(out), `.${basename(out)}-`))
  try {
    const layers = await writeLayers(work, spec.layers)
    const draft = join(work, 'archive')
    const digest = await assemble(draft, spec, layers)
    await rename(draft, out)
    return {
      file: out,
      digest,
      size: layers.reduce((sum, { size }) => sum + size, 0),
      layers: layers.map(({ digest, size }) => ({ digest, size })),
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function writeLayers(work: string, wanted: ImageSpec['layers']): Promise<Layer[]> {
  const layers: Layer[] = []
  for (const [index, it] of wanted.entries()) {
    layers.push('digest' in it ? it : await writeLayer(join(work, `layer-${index}`), it))
  }
  return layers
}

async function assemble(draft: string, spec: ImageSpec, layers: readonly Layer[]): Promise<string> {
  const config = blobOf(configOf(spec, layers))
  const manifest = blobOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.size },
    layers: layers.map(({ digest, size }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size })),
  })
  await using tar = await openTar(draft)
  await tar.bytes({ path: 'oci-layout', mode: 0o644 }, Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  await tar.bytes({ path: 'index.json', mode: 0o644 }, blobOf(indexOf(spec, manifest)).data)
  await putBlobs(tar, [config, manifest], layers)
  await tar.end()
  return manifest.digest
}

/** One tool wants directories before what they hold; none minds them. */
async function putBlobs(tar: TarWriter, blobs: readonly Blob[], layers: readonly Layer[]): Promise<void> {
  for (const path of ['blobs/', 'blobs/sha256/']) await tar.bare({ path, type: 'directory', mode: 0o755 })
  for (const { digest, data } of blobs) await tar.bytes({ path: blobPath(digest), mode: 0o644 }, data)
  for (const { digest, file } of new Map(layers.map((layer) => [layer.digest, layer])).values()) {
    await tar.file({ path: blobPath(digest), mode: 0o644 }, file)
  }
}

const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`

const platformOf = ({ architecture }: ImageSpec) => ({ architecture, os: 'linux' })

function configOf(spec: ImageSpec, layers: readonly Layer[]) {
  const { entrypoint, env = {}, user, workingDir = '/', labels = {} } = spec
  return {
    created: EPOCH,
    ...platformOf(spec),
    config: {
      ...(user === undefined ? {} : { User: user }),
      Env: Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`),
      Entrypoint: entrypoint,
      WorkingDir: workingDir,
      ...(Object.keys(labels).length === 0 ? {} : { Labels: sorted(labels) }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: EPOCH, created_by: 'pallas' })),
  }
}

function indexOf(spec: ImageSpec, { digest, size }: Descriptor) {
  const annotations = {
    'io.containerd.image.name': spec.reference,
    'org.opencontainers.image.ref.name': spec.reference.slice(spec.reference.lastIndexOf(':') + 1),
  }
  const manifests = [{ mediaType: MANIFEST, digest, size, platform: platformOf(spec), annotations }]
  return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }
}

interface Blob extends Descriptor {
  readonly data: Uint8Array
}

function blobOf(value: unknown): Blob {
  const data = Buffer.from(JSON.stringify(value))
  return { data, digest: `sha256:${createHash('sha256').update(data).digest('hex')}`, size: data.length }
}

const sorted = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
