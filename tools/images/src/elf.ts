/** What an ELF program says of itself: which libraries it needs, and how much of its file a process loads. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Architecture } from './archive.ts'
import { ImagesError } from './error.ts'
import { fileChunks, writeWhole } from './file-chunks.ts'

export interface Program {
  readonly architecture: Architecture
  /** The dynamic linker; undefined when the program is static. */
  readonly interpreter: string | undefined
  /** Names of the libraries that it asks for itself. */
  readonly needed: readonly string[]
  /** What lies beyond is for debuggers. */
  readonly loadedSize: number
}

const HEADER = 64
const SEGMENT = 56
const LOAD = 1
const DYNAMIC = 2
const INTERPRETER = 3
const NEEDED = 1n
const STRING_TABLE = 5n
const MACHINES: Readonly<Record<number, Architecture>> = { 62: 'amd64', 183: 'arm64' }

/** Throws `IMAGES_FILE_MISSING`, or `IMAGES_BAD_PROGRAM` when it is no program of a machine that images are made for. */
export async function readProgram(path: string): Promise<Program> {
  await using file = await open(path, 'r').catch((cause: unknown) => {
    throw new ImagesError('IMAGES_FILE_MISSING', 'a program cannot be read', { path }, cause)
  })
  const header = await bytesAt(file, 0, HEADER, path)
  const architecture = MACHINES[header.readUInt16LE(18)]
  // 64 bits, little end first.
  if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01' || architecture === undefined) throw bad(path)
  const segments = await readSegments(file, header, path)
  const find = (type: number): Segment | undefined => segments.find((it) => it.type === type)
  const [interpreter, dynamic] = [find(INTERPRETER), find(DYNAMIC)]
  return {
    architecture,
    interpreter: interpreter === undefined ? undefined : textOf(await bytesAt(file, interpreter.offset, interpreter.size, path), 0),
    needed: dynamic === undefined ? [] : await readNeeded(file, dynamic, segments, path),
    loadedSize: Math.max(tableEnd(header), ...segments.map(({ offset, size }) => offset + size)),
  }
}

/**
 * Copies a program without what only debuggers read: the bytes that its segments name, and a header that tells of no
 * more. A pure function of the bytes, unlike what the `strip` of this machine or that one makes of them.
 */
export async function copyStripped(from: string, to: string): Promise<void> {
  const { loadedSize } = await readProgram(from)
  await using source = await open(from, 'r')
  await using target = await open(to, 'w', 0o755)
  for await (const chunk of fileChunks(source, loadedSize, from)) await writeWhole(target, chunk)
  // Offset, number and names of the sections.
  await target.write(Buffer.alloc(8), 0, 8, 40)
  await target.write(Buffer.alloc(4), 0, 4, 60)
}

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

const tableEnd = (header: Buffer): number => Number(header.readBigUInt64LE(32)) + header.readUInt16LE(56) * SEGMENT

async function readSegments(file: FileHandle, header: Buffer, path: string): Promise<Segment[]> {
  const count = header.readUInt16LE(56)
  const table = await bytesAt(file, Number(header.readBigUInt64LE(32)), count * SEGMENT, path)
  return Array.from({ length: count }, (_, index) => {
    const at = index * SEGMENT
    const number = (offset: number): number => Number(table.readBigUInt64LE(at + offset))
    return { type: table.readUInt32LE(at), offset: number(8), address: number(16), size: number(32) }
  })
}

async function readNeeded(file: FileHandle, dynamic: Segment, segments: readonly Segment[], path: string): Promise<string[]> {
  const table = await bytesAt(file, dynamic.offset, dynamic.size, path)
  const tags = Array.from({ length: Math.floor(table.length / 16) }, (_, index) => ({
    tag: table.readBigInt64LE(index * 16),
    value: Number(table.readBigUInt64LE(index * 16 + 8)),
  }))
  const strings = tags.find(({ tag }) => tag === STRING_TABLE)?.value
  const holder = segments.find(({ type, address, size }) => type === LOAD && strings !== undefined && address <= strings && strings < address + size)
  if (strings === undefined || holder === undefined) return []
  const start = holder.offset + strings - holder.address
  const wanted = tags.filter(({ tag }) => tag === NEEDED).map(({ value }) => value)
  const names: string[] = []
  for (const at of wanted) names.push(textOf(await bytesAt(file, start + at, NAME_LIMIT, path, 1), 0))
  return names
}

const NAME_LIMIT = 256

function textOf(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at)
  return bytes.toString('utf8', at, end < 0 ? bytes.length : end)
}

async function bytesAt(file: FileHandle, at: number, length: number, path: string, least = length): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, at)
  if (bytesRead < least) throw bad(path)
  return bytes.subarray(0, bytesRead)
}

const bad = (path: string): ImagesError => new ImagesError('IMAGES_BAD_PROGRAM', 'not a program for linux on amd64 or arm64', { path })
