/** Cuts a stream of bytes into lines of JSON, wherever its chunks happen to end. */
import { KubernetesError } from './error.ts'

const NEWLINE = 0x0a

/**
 * Yields each line without its newline. Throws `KUBE_BAD_ANSWER` for a line longer than `maxBytes` or not in UTF-8, and
 * `KUBE_UNREACHABLE` when the stream ends inside a line: its beginning is then dropped, not yielded.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string, void, undefined> {
  let held: Uint8Array[] = []
  let length = 0
  const hold = (part: Uint8Array) => {
    length += part.length
    if (length > maxBytes) throw bad('a line of the watch is too long', { maxBytes })
    if (part.length > 0) held.push(part)
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end))
      yield decode(held)
      held = []
      length = 0
      from = end + 1
    }
    hold(chunk.subarray(from))
  }
  if (length > 0) throw new KubernetesError('KUBE_UNREACHABLE', 'the watch ended inside a line')
}

/** A whole line is decoded at once, so that a chunk may end inside a character. */
function decode(parts: readonly Uint8Array[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (cause) {
    throw bad('a line of the watch is not utf-8', {}, cause)
  }
}

const bad = (message: string, fields: Record<string, unknown>, cause?: unknown) =>
  new KubernetesError('KUBE_BAD_ANSWER', message, { fields, ...(cause === undefined ? {} : { cause }) })
