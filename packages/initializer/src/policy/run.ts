import { readFile } from 'node:fs/promises'
import { readProgram } from '@pallas/config'
import type { Invocation } from '@pallas/runtime'
import { renderPolicy } from './render.ts'
import { policyProgram } from './settings.ts'

/** The command: writes the manifests, or its help. */
export async function runRenderPolicy({ argv, env, out }: Pick<Invocation, 'argv' | 'env' | 'out'>, version: string): Promise<void> {
  const reading = readProgram(policyProgram, { argv, env, version })
  if (reading.kind === 'print') return out(`${reading.text.trimEnd()}\n`)
  const { templates, ...options } = reading.settings
  out(renderPolicy(await readFile(templates, 'utf8'), options))
}
