/**
 * Headers of a POSIX tar archive (ustar; a pax header before it where a name is too long), with every time stamp zero:
 * the same entry gives the same bytes, always.
 */
import { ImagesError } from './error.ts'

export const BLOCK = 512
const NAME_LIMIT = 100
const PREFIX_LIMIT = 155
/** Eleven octal digits. */
const SIZE_LIMIT = 0o77777777777
const ID_LIMIT = 0o7777777

export interface TarHeader {
  /** Without a leading slash; a directory's ends with one. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'link'
  readonly mode: number
  readonly size?: number
  readonly target?: string
  readonly uid?: number
  readonly gid?: number
}

const TYPE = { file: '0', link: '2', directory: '5', pax: 'x' } as const

export function tarHeader(header: TarHeader): Buffer {
  const place = splitPath(header.path)
  const target = header.target ?? ''
  const long = {
    ...(place === undefined ? { path: header.path } : {}),
    ...(Buffer.byteLength(target) > NAME_LIMIT ? { linkpath: target } : {}),
  }
  const pax = Object.keys(long).length === 0 ? Buffer.alloc(0) : paxEntry(long)
  return Buffer.concat([pax, block({ ...header, type: TYPE[header.type], place: place ?? { name: 'long-name', prefix: '' } })])
}

/** What fills the last block of `size` bytes. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

interface Place {
  readonly name: string
  readonly prefix: string
}

/** How ustar holds a path: whole, or cut in two at a slash; undefined when it cannot. */
function splitPath(path: string): Place | undefined {
  if (Buffer.byteLength(path) <= NAME_LIMIT) return { name: path, prefix: '' }
  for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)]
    if (Buffer.byteLength(prefix) > PREFIX_LIMIT) return undefined
    if (name !== '' && Buffer.byteLength(name) <= NAME_LIMIT) return { name, prefix }
  }
  return undefined
}

/** An extended header of its own; POSIX: each record begins with its own length. */
function paxEntry(values: Readonly<Record<string, string>>): Buffer {
  const data = Buffer.from(Object.entries(values).map(([key, value]) => paxRecord(key, value)).join(''))
  const place = { name: 'PaxHeaders/long-name', prefix: '' }
  const header = block({ type: TYPE.pax, mode: 0o644, size: data.length, place })
  return Buffer.concat([header, data, padding(data.length)])
}

function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest
  while (length !== rest + String(length).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

interface Block {
  readonly type: string
  readonly place: Place
  readonly mode: number
  readonly size?: number
  readonly target?: string
  readonly uid?: number
  readonly gid?: number
}

function block({ type, place, mode, size = 0, target = '', uid = 0, gid = 0 }: Block): Buffer {
  if (size > SIZE_LIMIT || uid > ID_LIMIT || gid > ID_LIMIT) {
    throw new ImagesError('IMAGES_BAD_ENTRY', 'too large for a tar archive', { path: place.name, size, uid, gid })
  }
  const bytes = Buffer.alloc(BLOCK)
  const put = (text: string, at: number, limit: number): void => void bytes.write(text, at, limit)
  put(place.name, 0, NAME_LIMIT)
  put(octal(mode, 8), 100, 8)
  put(octal(uid, 8), 108, 8)
  put(octal(gid, 8), 116, 8)
  put(octal(size, 12), 124, 12)
  put(octal(0, 12), 136, 12)
  put(' '.repeat(8), 148, 8)
  put(type, 156, 1)
  if (Buffer.byteLength(target) <= NAME_LIMIT) put(target, 157, NAME_LIMIT)
  put('ustar\u000000', 257, 8)
  put(place.prefix, 345, PREFIX_LIMIT)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return bytes
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
