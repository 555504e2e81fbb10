import type { Host } from '../host.ts'

/** What the contract needs from any home of the door to judge it. */
export interface HostUnderTest extends AsyncDisposable {
  readonly host: Host
  /** An empty directory of its own, absolute, no symlink on the way to it. */
  readonly dir: string
  makeFifo(path: string): Promise<void>
  /** Makes something another user's, where the home may. */
  giveAway?(path: string): Promise<void>
  /** Makes a file whose name is no UTF-8, where the home has such names. */
  makeOddName?(directory: string): Promise<void>
  /** Lets time pass: by waiting, or by moving the clock. */
  pass(ms: number): Promise<void>
  /** Sets the process's umask until disposed of. */
  umask?(mask: number): Disposable
}

/** A part of the machine that a home does not have; the contract then skips what needs it, under its name. */
export type Lack = 'network' | 'keys' | 'mounts' | 'umask'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const text = (content: Uint8Array): string => new TextDecoder().decode(content)
