/** The shared libraries that a program needs, out of packages of the distribution, and none that it does not. */
import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Architecture } from './archive.ts'
import type { DebianPackage } from './debian.ts'
import { type Program, readProgram } from './elf.ts'
import { ImagesError } from './error.ts'
import type { LayerEntry } from './layer.ts'

const TRIPLET: Readonly<Record<Architecture, string>> = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** What the distribution's dynamic linker searches without a cache of its own. */
const libraryDirectory = (architecture: Architecture): string => `usr/lib/${TRIPLET[architecture]}`

/** Entries for what `program` and its libraries need, each library found in one of `packages`. */
export async function libraryEntries(program: string, packages: readonly DebianPackage[]): Promise<LayerEntry[]> {
  const { architecture, interpreter, needed } = await readProgram(program)
  if (interpreter === undefined) return []
  const linker = basename(interpreter)
  const found = new Map<string, string>()
  const todo = [linker, ...needed]
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (found.has(name)) continue
    const file = await findLibrary(name, architecture, packages)
    found.set(name, file)
    todo.push(...(await checked(file, architecture)).needed)
  }
  return [...found].map(([name, from]) => ({
    kind: 'file',
    path: name === linker ? interpreter.slice(1) : `${libraryDirectory(architecture)}/${name}`,
    from,
    mode: 0o755,
  }))
}

async function findLibrary(name: string, architecture: Architecture, packages: readonly DebianPackage[]): Promise<string> {
  for (const { root } of packages) {
    for (const dir of [`lib/${TRIPLET[architecture]}`, libraryDirectory(architecture)]) {
      const file = await realpath(join(root, dir, name)).catch(() => undefined)
      if (file !== undefined) return file
    }
  }
  throw new ImagesError('IMAGES_LIBRARY_MISSING', 'no package has a library that the program needs', { name, packages: packages.map((it) => it.name) })
}

async function checked(file: string, architecture: Architecture): Promise<Program> {
  const library = await readProgram(file)
  if (library.architecture === architecture) return library
  throw new ImagesError('IMAGES_LIBRARY_MISSING', 'a library is for another machine', { file })
}
