/** `TextEncoder` and `TextDecoder`, as much of them as `libs/host/globals.d.ts` promises. */
import { native } from './native.ts'

export class StaticTextEncoder {
  encode(text = ''): Uint8Array<ArrayBuffer> {
    return native.encode(text.toWellFormed())
  }
}

export class StaticTextDecoder {
  readonly #fatal: boolean

  constructor(_label: 'utf-8' = 'utf-8', { fatal = false }: { readonly fatal?: boolean } = {}) {
    this.#fatal = fatal
  }

  decode(bytes: Uint8Array = new Uint8Array()): string {
    const text = native.decode(bytes, this.#fatal)
    if (text === undefined) throw new TypeError('The encoded data was not valid for encoding utf-8')
    return text
  }
}
