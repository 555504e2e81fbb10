/** Supplies what code for the door takes for granted besides ECMAScript itself (`libs/host/globals.d.ts`). */
import { StaticAbortController, StaticAbortSignal } from './abort.ts'
import { StaticTextDecoder, StaticTextEncoder } from './text.ts'

Object.assign(globalThis, {
  AbortController: StaticAbortController,
  AbortSignal: StaticAbortSignal,
  TextDecoder: StaticTextDecoder,
  TextEncoder: StaticTextEncoder,
})
