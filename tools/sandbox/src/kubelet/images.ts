/** An image, here, is a table of programs: what a command path in a pod spec really runs. */
import type { ContainerObject } from './objects.ts'

export interface Images {
  /** Environment that every container starts with. */
  readonly env: Readonly<Record<string, string>>
  argvOf(container: ContainerObject): readonly string[]
}

export interface ImagesOptions {
  readonly env: Readonly<Record<string, string>>
  /** By command path, `/usr/bin/athenz-sia` → the argv prefix that runs it here. */
  readonly programs: Readonly<Record<string, readonly string[]>>
}

export function createImages({ env, programs }: ImagesOptions): Images {
  return {
    env,
    argvOf: ({ name, command = [], args = [] }) => {
      const [first, ...rest] = [...command, ...args]
      if (first === undefined) throw new Error(`container ${name} has no command: an image of the sandbox has no entrypoint`)
      return [...(programs[first] ?? [first]), ...rest]
    },
  }
}
