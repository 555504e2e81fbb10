/** A file read piece by piece, to write it elsewhere without ever holding it whole. */
import type { FileHandle } from 'node:fs/promises'
import { ImagesError } from './error.ts'

const CHUNK = 1 << 20

/** The first `size` bytes of `file`. Each piece is only good until the next is asked for. Throws `IMAGES_FILE_CHANGED`. */
export async function* fileChunks(file: FileHandle, size: number, path: string): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(Math.min(CHUNK, Math.max(1, size)))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - at), at)
    if (bytesRead === 0) throw new ImagesError('IMAGES_FILE_CHANGED', 'a file became shorter while it was read', { path })
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

export async function writeWhole(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await file.write(data, at)).bytesWritten
}
