import { constants, open } from 'node:fs/promises'

/** The text of a regular file of at most so many bytes. Rejects with what the system says, or with `EFBIG` or `EINVAL`. */
export async function readBounded(path: string, maxBytes: number): Promise<string> {
  // Not blocking: a named pipe in the way must not hold us up.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await file.stat()).isFile()) throw unfit('EINVAL', 'not a regular file')
  const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
  if (bytesRead > maxBytes) throw unfit('EFBIG', 'the file is too long')
  return buffer.toString('utf8', 0, bytesRead)
}

const unfit = (code: string, message: string) => Object.assign(new Error(`${code}: ${message}`), { code })
