/** A file system in memory, as far as publication needs one: it can be stopped after any step, and looked at. */
import { expect } from 'vitest'
import type { SeenDirectory } from '../publication.ts'
import type { Step } from '../step.ts'

type Node =
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string }
  | { readonly kind: 'symlink'; readonly target: string }

export class Tree {
  readonly #nodes: Map<string, Node>

  constructor(nodes: Iterable<readonly [string, Node]> = []) {
    this.#nodes = new Map(nodes)
  }

  copy = (): Tree => new Tree(this.#nodes)
  stat = (path: string): Node | undefined => this.#nodes.get(path)
  names = (directory: string): string[] => this.#below(directory).map((path) => path.slice(directory.length + 1))

  /** What a reader gets that opens a path, symlinks followed as the kernel does. */
  read(path: string): string | undefined {
    const node = this.#nodes.get(this.#resolve(path))
    return node?.kind === 'file' ? node.content : undefined
  }

  look(directory: string): SeenDirectory | undefined {
    const node = this.#nodes.get(directory)
    if (node?.kind !== 'directory') return undefined
    const entries = this.names(directory).map((name) => {
      const entry = this.#nodes.get(`${directory}/${name}`)!
      return { name, kind: entry.kind, ...(entry.kind === 'symlink' ? { target: entry.target } : {}) }
    })
    return { mode: node.mode, entries }
  }

  /** As the door's `Files` would; a step that the door would refuse fails the test. */
  carryOut(step: Step): void {
    switch (step.do) {
      case 'mkdirs':
        if (this.stat(step.path) === undefined) this.#nodes.set(step.path, { kind: 'directory', mode: step.mode })
        return
      case 'mkdir':
        return this.#make(step.path, { kind: 'directory', mode: step.mode })
      case 'create':
        return this.#make(step.path, { kind: 'file', mode: step.mode, content: String(step.content) })
      case 'symlink':
        return this.#make(step.path, { kind: 'symlink', target: step.target })
      case 'rename':
        return this.#rename(step.from, step.to)
      case 'unlink':
        expect(this.stat(step.path)?.kind).not.toBe('directory')
        this.#nodes.delete(step.path)
        return
      case 'sync':
        expect(this.stat(step.path)?.kind).toBe('directory')
        return
      case 'discard':
        for (const path of [...this.#below(step.path), step.path]) this.#nodes.delete(path)
        return
      default:
        return step satisfies never
    }
  }

  #make(path: string, node: Node): void {
    expect(this.stat(path), `${path} is free`).toBeUndefined()
    expect(this.stat(path.slice(0, path.lastIndexOf('/')))?.kind, `${path} has a parent`).toBe('directory')
    this.#nodes.set(path, node)
  }

  #rename(from: string, to: string): void {
    expect(this.stat(to)?.kind).not.toBe('directory')
    this.#nodes.set(to, this.stat(from)!)
    this.#nodes.delete(from)
  }

  #below = (directory: string): string[] =>
    [...this.#nodes.keys()]
      .filter((path) => path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes('/'))
      .sort()

  #resolve(path: string): string {
    const parts = path.split('/').slice(1)
    return parts.reduce((at, part) => {
      const node = this.#nodes.get(`${at}/${part}`)
      return node?.kind === 'symlink' ? this.#resolve(`${at}/${node.target}`) : `${at}/${part}`
    }, '')
  }
}
