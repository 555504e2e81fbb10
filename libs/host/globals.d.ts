/**
 * What code tagged `runs:anywhere` may take for granted besides ECMAScript itself.
 *
 * Node has these; the static home supplies them in its prelude. Anything else (timers, `process`, `URL`, `fetch`,
 * `Buffer`) is a type error in that code: it goes through the door (`libs/host/src/host.ts`).
 */
interface TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
}
declare const TextEncoder: { new (): TextEncoder }

interface TextDecoder {
  decode(bytes?: Uint8Array): string
}
declare const TextDecoder: { new (label?: 'utf-8', options?: { fatal?: boolean }): TextDecoder }

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare const AbortSignal: { any(signals: readonly AbortSignal[]): AbortSignal }

interface AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
declare const AbortController: { new (): AbortController }
