/** Writes a tar archive piece by piece; no file is ever held whole. */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { ImagesError } from './error.ts'
import { fileChunks, writeWhole } from './file-chunks.ts'
import { BLOCK, padding, type TarHeader, tarHeader } from './tar-header.ts'

/** What a blob is known by. */
export interface Descriptor {
  readonly digest: string
  readonly size: number
}

export interface TarWriter extends AsyncDisposable {
  bare(header: Omit<TarHeader, 'size'>): Promise<void>
  bytes(header: Omit<TarHeader, 'size' | 'type'>, data: Uint8Array): Promise<void>
  file(header: Omit<TarHeader, 'size' | 'type'>, from: string): Promise<void>
  /** Ends the archive; nothing may follow. */
  end(): Promise<Descriptor>
}

export async function openTar(out: string): Promise<TarWriter> {
  const to = await open(out, 'w')
  const hash = createHash('sha256')
  const state = { to, hash, size: 0 }
  const write = (data: Uint8Array): Promise<void> => append(state, data)
  return {
    bare: (header) => write(tarHeader(header)),
    bytes: async (header, data) => {
      await write(tarHeader({ ...header, type: 'file', size: data.length }))
      await write(data)
      await write(padding(data.length))
    },
    file: (header, from) => copyFile(header, from, write),
    end: async () => {
      await write(Buffer.alloc(2 * BLOCK))
      return { digest: `sha256:${hash.digest('hex')}`, size: state.size }
    },
    [Symbol.asyncDispose]: () => to.close(),
  }
}

interface State {
  readonly to: FileHandle
  readonly hash: Hash
  size: number
}

async function append(state: State, data: Uint8Array): Promise<void> {
  await writeWhole(state.to, data)
  state.hash.update(data)
  state.size += data.length
}

async function copyFile(
  header: Omit<TarHeader, 'size' | 'type'>,
  from: string,
  write: (data: Uint8Array) => Promise<void>,
): Promise<void> {
  await using source = await open(from, 'r').catch((cause: unknown) => {
    throw new ImagesError('IMAGES_FILE_MISSING', 'a file of the image cannot be read', { from }, cause)
  })
  const { size } = await source.stat()
  await write(tarHeader({ ...header, type: 'file', size }))
  for await (const chunk of fileChunks(source, size, from)) await write(chunk)
  await write(padding(size))
}
