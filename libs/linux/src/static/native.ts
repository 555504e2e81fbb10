/** What the Rust host (`libs/linux/native`) gives to the script; everything else of the door is made of it here. */
import type { FileStat, KeyAlgorithm, Mount, SignatureCheck } from '@pallas/host'

/** Calls throw a `Refusal`. None of them waits, but for the disk. */
export interface Native {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  out(text: string): void
  err(text: string): void
  encode(text: string): Uint8Array<ArrayBuffer>
  /** Undefined where the bytes are no UTF-8 and nothing else is wanted. */
  decode(bytes: Uint8Array, fatal: boolean): string | undefined
  now(): number
  monotonic(): number
  /** Called once, with the name of the signal. */
  onStop(callback: (signal: string) => void): void
  startTimer(afterMs: number, callback: () => void): number
  cancelTimer(timer: number): void
  /** Ends the process when the jobs that are there are done. */
  end(exitCode: number): void
  /** Ends it at once, as a program that is broken. */
  breakDown(sentence: string): never
  readonly files: NativeFiles
  tryLock(path: string, exclusive: boolean): number | undefined
  unlock(lock: number): void
  bind(source: string, target: string, readOnly: boolean, atOnce: boolean): void
  unmount(target: string): void
  mountsUnder(path: string): readonly Mount[]
  readonly keys: NativeKeys
  /** Not in a program that asks nobody. `done` gets a refusal or an answer. */
  readonly startExchange?: (exchange: NativeExchange, done: (refusal: Refusal | null, answer: NativeAnswer | null) => void) => number
  readonly cancelExchange?: (exchange: number) => void
}

export interface NativeFiles {
  read(path: string, maxBytes: number): Uint8Array
  readOwn(path: string, maxBytes: number): Uint8Array
  create(path: string, bytes: Uint8Array, mode: number, synced: boolean): void
  createOwn(path: string, bytes: Uint8Array, mode: number, gid?: number): void
  mkdir(path: string, mode: number): void
  mkdirs(path: string, mode: number): void
  symlink(target: string, path: string): void
  readlink(path: string): string
  rename(from: string, to: string): void
  link(existing: string, path: string): void
  unlink(path: string): void
  rmdir(path: string): void
  discard(path: string): void
  list(path: string): string[]
  stat(path: string): FileStat | undefined
  syncDirectory(path: string): void
}

export interface NativeKey {
  readonly algorithm: KeyAlgorithm
  readonly pkcs8: Uint8Array
  readonly spki: Uint8Array
}

export interface NativeKeys {
  generate(): NativeKey
  /** `label` is that of the PEM that `der` was in. */
  import(label: string, der: Uint8Array): NativeKey
  sign(pkcs8: Uint8Array, data: Uint8Array): Uint8Array
  verify(scheme: SignatureCheck['scheme'], spki: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean
  sha256(data: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array
  randomBytes(length: number): Uint8Array
}

export interface NativeExchange {
  readonly kind: 'unix' | 'tcp' | 'tls'
  /** Name, address, or path of a socket. */
  readonly host: string
  readonly port: number
  readonly caPem?: string | undefined
  readonly keyPem?: string | undefined
  readonly certPem?: string | undefined
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: string | undefined
  readonly timeoutMs: number
  readonly maxBytes: number
}

export interface NativeAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** What becomes a `HostError`. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly fields: Record<string, string>
}

export const native: Native = (globalThis as unknown as { readonly pallasNative: Native }).pallasNative
