/**
 * A megabyte of `{},` is a hundred megabytes once it is read, and a second of work: so values are counted before. A pod that fills all
 * that etcd keeps of an object has a tenth of this.
 */
export const VALUE_LIMIT = 100_000

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b]

/** Whether JSON text holds more values than `limit`, however it is nested; of other text whatever comes out. */
export function isDense(text: string, limit = VALUE_LIMIT): boolean {
  let count = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isQuoted) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) isQuoted = false
    } else if (code === QUOTE) isQuoted = true
    else if ((code === COMMA || code === BRACKET || code === BRACE) && ++count > limit) return true
  }
  return false
}
