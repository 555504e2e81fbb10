/** The images of the suite, as of this tree. */
import { explain, IMAGES, makeImages } from '@pallas/images'

/** False when one could not be made, which it says. */
export async function imagesAreMade(signal: AbortSignal, say: (line: string) => void): Promise<boolean> {
  const start = performance.now()
  for await (const { image, result } of makeImages(IMAGES, signal, say)) {
    if (!('failure' in result)) continue
    say(`${image.name} is not made: ${explain(result.failure)}`)
    return false
  }
  say(`images are made (${((performance.now() - start) / 1_000).toFixed(1)} s)`)
  return true
}
