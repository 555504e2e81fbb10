/** What a Dockerfile says, as far as ours says it: stages and their instructions, variables filled in. */

export interface Stage {
  readonly name: string
  readonly base: string
  /** In order, `[instruction, rest]`. */
  readonly instructions: readonly (readonly [string, string])[]
}

export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; base: string; instructions: [string, string][] }[] = []
  const variables = new Map<string, string>()
  for (const line of text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n/g, ' ').split('\n')) {
    const [, word, raw] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
    if (word === undefined || raw === undefined) continue
    const [, variable, value] = word === 'ARG' ? (/^(\w+)=(.*)$/.exec(raw) ?? []) : []
    if (variable !== undefined && value !== undefined) variables.set(variable, value)
    const rest = raw.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole)
    const [, base, name] = word === 'FROM' ? (/^(\S+) AS (\S+)$/.exec(rest) ?? []) : []
    if (base !== undefined && name !== undefined) stages.push({ name, base, instructions: [] })
    else stages.at(-1)?.instructions.push([word, rest])
  }
  return stages
}

/** The last word on `instruction` in a stage. */
export const saying = (stage: Stage, instruction: string): string | undefined =>
  stage.instructions.findLast(([word]) => word === instruction)?.[1]

/** `a="x y" b=z` → `{ a: 'x y', b: 'z' }`. */
export const pairs = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)].map(([, key = '', quoted, plain]) => [key, quoted ?? plain ?? '']))
