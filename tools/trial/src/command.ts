/** The command line of the trial. */
import { parseArgs } from 'node:util'

export interface TrialOptions {
  readonly kubeconfig: string | undefined
  readonly kubectl: string | undefined
  readonly pluginDir: string | undefined
  readonly timeoutMs: number
}

export type Command =
  | ({ readonly kind: 'show' | 'delete' } & TrialOptions)
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run trial -- [options]       puts the suite and a ZTS of its own on a cluster that has the images, and shows an identity
npm run trial -- --delete        takes everything away again, also from the nodes
    --kubeconfig FILE    default: that of \`npm run cluster -- up\` when it runs, else what kubectl takes
    --kubectl PROGRAM    default: the one of that cluster, else \`kubectl\`
    --plugin-dir DIR     where the kubelets look for FlexVolume drivers (volumePluginDir), when it is not the usual place
    --timeout SECONDS    default: 120, for each of the two parts
`

const OPTIONS = {
  kubeconfig: { type: 'string' },
  kubectl: { type: 'string' },
  'plugin-dir': { type: 'string' },
  timeout: { type: 'string', default: '120' },
  delete: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export function parseCommand(argv: readonly string[]): Command {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true })
    if (values.help === true) return { kind: 'help' }
    const { kubeconfig, kubectl, timeout } = values
    const pluginDir = values['plugin-dir']
    if (!/^[1-9]\d{0,3}$/.test(timeout)) return { kind: 'wrong', problem: '--timeout must be a number of seconds, 1 to 9999' }
    if (pluginDir !== undefined && !/^(\/[\w.~-]+)+\/?$/.test(pluginDir)) return { kind: 'wrong', problem: '--plugin-dir must be an absolute path' }
    return { kind: values.delete === true ? 'delete' : 'show', kubeconfig, kubectl, pluginDir, timeoutMs: Number(timeout) * 1_000 }
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}
