/** Cuts a list in JSON into its items while its bytes come, so that no more than one item is ever held whole. */
import { KubernetesError } from './error.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'

export interface ListScannerOptions {
  /** An item of more bytes, or nested deeper than `ITEM_DEPTH`, is left out: it costs nobody but itself. */
  readonly maxItemBytes: number
  /** The items in order, as `JSON.parse` gives them. */
  readonly onItem: (item: unknown) => void
  /** `head` is how an item begins that was left out. */
  readonly onTooLarge: (head: string) => void
}

export interface ListScanner {
  /** Takes the bytes of a chunk; it may end anywhere, also inside a character. */
  push(chunk: Uint8Array): void
  /**
   * The list without its items (`items` tells how many there were by its length). All that was told before counts only
   * when this returns: it throws `KUBE_BAD_ANSWER` for whatever `JSON.parse` would not take, and for a second `items`.
   */
  end(): JsonObject
}

export const ITEM_DEPTH = 256
const HEAD_BYTES = 1_024
/** What stands around the items: no pod can make it longer, but for two bytes each. */
const AROUND_BYTES = 256 * 1_024

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** Stands in for an item. */
const ZERO = 0x30

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** What says where an item ends. */
const isStructure = (byte: number): boolean =>
  byte === QUOTE || byte === COMMA || (byte >= OPEN_LIST && ((byte & 0xdf) === OPEN_LIST || (byte & 0xdf) === CLOSE_LIST))

export function createListScanner(options: ListScannerOptions): ListScanner {
  const around = new Around()
  const item = new Item(options)
  /** Inside the list itself: between its items, or in one. */
  let listing = false
  let inItem = false

  /** Goes from `at` to the end of an item that has begun, or of the chunk; returns where it stopped. */
  function throughItem(chunk: Uint8Array, at: number): number {
    const stop = item.skip(chunk, at)
    item.hold(chunk, at, stop)
    if (stop < chunk.length) {
      item.end()
      inItem = false
    }
    return stop
  }

  function between(byte: number): void {
    inItem = byte !== COMMA && byte !== CLOSE_LIST && !isSpace(byte)
    listing = byte !== CLOSE_LIST
    around.put(inItem ? ZERO : byte)
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (inItem) {
          at = throughItem(chunk, at)
          continue
        }
        const byte = chunk[at] ?? 0
        if (listing) between(byte)
        else listing = around.read(byte)
        // The first byte of an item is part of it.
        if (!inItem) at += 1
      }
    },
    end() {
      const list = around.end()
      return listing || inItem ? bad('the list has no end') : list
    },
  }
}

/** All that is no item, read byte by byte as far as it takes to find the member `items` of the outermost object. */
class Around {
  readonly #held = new Bytes()
  #depth = 0
  #inString = false
  #escaped = false
  /** Where the key began that is being read; -1: it is no key. */
  #keyAt = -1
  #expectsKey = false
  #key = ''
  #lists = 0

  put(byte: number): void {
    if (this.#held.length >= AROUND_BYTES) bad('the list says too much besides its items')
    this.#held.put(byte)
  }

  /** Whether the items begin with this byte. */
  read(byte: number): boolean {
    this.put(byte)
    if (this.#inString) {
      this.#readString(byte)
      return false
    }
    if (isSpace(byte) || byte === COLON) return false
    return this.#readToken(byte)
  }

  end(): JsonObject {
    const list = parse(this.#held.text())
    return isObject(list) ? list : bad('not a list')
  }

  #readString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#endString()
  }

  #endString(): void {
    this.#inString = false
    if (this.#keyAt === -1) return
    const key = parse(this.#held.text(this.#keyAt))
    this.#key = typeof key === 'string' ? key : ''
    this.#keyAt = -1
  }

  #readToken(byte: number): boolean {
    const isValue = this.#depth === 1 && byte !== COMMA && !this.#expectsKey
    const isItems = isValue && this.#key === 'items'
    if (isItems && byte !== CLOSE_OBJECT) this.#count()
    if (isItems && byte === OPEN_LIST) return true
    if (byte === QUOTE) {
      this.#inString = true
      if (this.#expectsKey) this.#keyAt = this.#held.length - 1
    }
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1
    if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1
    this.#expectsKey = this.#depth === 1 && (byte === COMMA || (byte === OPEN_OBJECT && !isValue))
    return false
  }

  #count(): void {
    this.#key = ''
    this.#lists += 1
    if (this.#lists > 1) bad('the list has its items twice')
  }
}

/** The item that is being read. */
class Item {
  readonly #options: ListScannerOptions
  readonly #held = new Bytes()
  #depth = 0
  #inString = false
  #escaped = false
  #isTooLarge = false

  constructor(options: ListScannerOptions) {
    this.#options = options
  }

  /** Where in the chunk the item has ended: at a comma or bracket that is the list's; or the end of the chunk. */
  skip(chunk: Uint8Array, from: number): number {
    for (let at = from; ; at++) {
      if (this.#inString) at = this.#skipString(chunk, at)
      while (at < chunk.length && !isStructure(chunk[at] ?? 0)) at += 1
      if (at >= chunk.length || !this.#step(chunk[at] ?? 0)) return Math.min(at, chunk.length)
    }
  }

  /** Goes past the end of the string, or of the chunk. */
  #skipString(chunk: Uint8Array, from: number): number {
    let at = this.#escaped ? from + 1 : from
    this.#escaped = false
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === QUOTE) break
      if (byte === BACKSLASH) at += 1
    }
    this.#inString = at >= chunk.length
    this.#escaped = at > chunk.length
    return at + 1
  }

  /** Whether the item goes on after this byte. */
  #step(byte: number): boolean {
    if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) return false
    if (byte === QUOTE) this.#inString = true
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1
    if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1
    if (this.#depth > ITEM_DEPTH) this.#isTooLarge = true
    return true
  }

  hold(chunk: Uint8Array, from: number, to: number): void {
    if (this.#held.length + to - from > this.#options.maxItemBytes) this.#isTooLarge = true
    const room = this.#isTooLarge ? Math.max(0, HEAD_BYTES - this.#held.length) : to - from
    this.#held.add(chunk, from, Math.min(to, from + room))
  }

  end(): void {
    const { onItem, onTooLarge } = this.#options
    if (this.#isTooLarge) onTooLarge(this.#held.head(HEAD_BYTES))
    else onItem(parse(this.#held.text()))
    this.#held.clear()
    this.#isTooLarge = false
    this.#depth = 0
  }
}

/** Bytes in one place, which is used again. */
class Bytes {
  #bytes = new Uint8Array(16 * 1_024)
  length = 0

  put(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.length] = byte
    this.length += 1
  }

  add(chunk: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    this.#bytes.set(chunk.subarray(from, to), this.length)
    this.length += to - from
  }

  text(from = 0): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#bytes.subarray(from, this.length))
    } catch (cause) {
      return bad('the answer is not utf-8', cause)
    }
  }

  head(length: number): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, Math.min(length, this.length)))
  }

  clear(): void {
    this.length = 0
  }

  #reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
  }
}

function parse(text: string): unknown {
  const value = parseJson(text)
  return value === undefined ? bad('the answer is not json') : value
}

function bad(message: string, cause?: unknown): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', message, cause === undefined ? {} : { cause })
}
