/** A kubectl that answers from a table: the first entry whose words are all among the arguments. */
import type { Kubectl } from '../kubectl.ts'

export interface FakeKubectl extends Kubectl {
  readonly calls: readonly (readonly string[])[]
}

type Answer = string | Error | ((input: string | undefined) => string)

export function fakeKubectl(table: readonly (readonly [words: string, answer: Answer])[]): FakeKubectl {
  const calls: (readonly string[])[] = []
  const answer: Kubectl = async (args, { input } = {}) => {
    calls.push(args)
    const [, found] = table.find(([words]) => words.split(' ').every((word) => args.includes(word))) ?? []
    if (found === undefined) throw new Error(`no answer for kubectl ${args.join(' ')}`)
    if (found instanceof Error) throw found
    return typeof found === 'string' ? found : found(input)
  }
  return Object.assign(answer, { calls })
}
