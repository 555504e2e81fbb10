/** The files that went into a bundle. */
import type { Metafile } from 'esbuild'

/** What was read and then left out, because nobody asks for it, is not in the bundle. */
export function contributing({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  return [...new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path))].sort()
}
