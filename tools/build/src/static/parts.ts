/** What a static program is made of, for lists of what an image holds. */
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'
import { STATIC_PROGRAMS } from './programs.ts'
import { scriptInputs } from './scripts.ts'
import { machineArch, targetOf } from './toolchain.ts'

export interface StaticParts {
  /** Where the manifest and the lock file of the host around the script lie. */
  readonly crate: string
  /** As Rust calls the machine. */
  readonly target: string
  readonly features: readonly string[]
  /** The files of the script, as paths below the repository. */
  readonly inputs: readonly string[]
}

/** Of a program that `buildStatic` makes, for this machine; undefined for what it does not make. */
export async function staticParts(name: string): Promise<StaticParts | undefined> {
  const program = STATIC_PROGRAMS.find((it) => it.name === name)
  if (program === undefined) return undefined
  const { entry, features } = program
  return { crate: join(REPOSITORY, 'libs/linux/native'), target: targetOf(machineArch()), features, inputs: await scriptInputs(entry) }
}
