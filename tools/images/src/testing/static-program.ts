/** The smallest file that says it is a static program: a header and one loaded segment, which holds both. */
import type { Architecture } from '../archive.ts'

const SIZE = 64 + 56

export function aStaticProgram(architecture: Architecture): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(SIZE)
  bytes.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  bytes.writeUInt16LE(2, 16)
  bytes.writeUInt16LE(architecture === 'amd64' ? 62 : 183, 18)
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(1, 56)
  bytes.writeUInt32LE(1, 64)
  bytes.writeBigUInt64LE(BigInt(SIZE), 64 + 32)
  return bytes
}
