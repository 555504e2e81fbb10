/** Reads what `node --heap-prof` writes: by which modules and functions what is in memory was asked for. */
import { moduleOf, type Share } from './cpu-profile.ts'

interface HeapNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

export interface HeapShare {
  readonly name: Share['name']
  readonly bytes: number
}

export const parseHeapProfile = (text: string): HeapNode => (JSON.parse(text) as { readonly head: HeapNode }).head

/** What Node itself asked for while it compiled or ran a module counts for the module. */
export function heapByModule(head: HeapNode): readonly HeapShare[] {
  const sizes = new Map<string, number>()
  const visit = ({ callFrame, selfSize, children }: HeapNode, owner: string): void => {
    const own = callFrame.url === '' || callFrame.url.startsWith('node:internal/modules') ? owner : moduleOf(callFrame.url)
    sizes.set(own, (sizes.get(own) ?? 0) + selfSize)
    for (const child of children) visit(child, own)
  }
  visit(head, '(node)')
  return [...sizes].map(([name, bytes]) => ({ name, bytes })).toSorted((a, b) => b.bytes - a.bytes)
}
