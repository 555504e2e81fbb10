/** The programs that have a home without Node, as static files of what stands here. */
import { buildStatic, StaticBuildError } from '@pallas/build'

export interface StaticPrograms {
  readonly driver: readonly string[]
  readonly sia: readonly string[]
}

/** Undefined, once said, on a machine that cannot make them: figures of the static home are then missing. */
export async function staticPrograms(say: (line: string) => void): Promise<StaticPrograms | undefined> {
  try {
    const { files } = await buildStatic()
    const argv = (name: string) => files.filter((file) => file.name === name).map(({ path }) => path)
    return { driver: argv('athenz-volume-driver'), sia: argv('athenz-sia') }
  } catch (error) {
    if (!(error instanceof StaticBuildError)) throw error
    say(`nothing is measured of the static home: ${error.message}`)
    return undefined
  }
}
