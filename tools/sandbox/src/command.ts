/** The command line of the sandbox. */
import { parseArgs } from 'node:util'
import { WORKLOADS } from './names.ts'

export type Command =
  | { readonly kind: 'up'; readonly once: boolean; readonly out: string | undefined }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly serviceAccount: string; readonly command: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm start                                   brings the suite up, shows a launch, stays up
npm start -- --once --out DIR               the same, then leaves what happened in DIR and ends
npm start -- pod NAME [options] [-- CMD …]  launches a pod of yours in a sandbox that is up
    --namespace NS         default: shop
    --service-account SA   default: web; Athenz knows ${WORKLOADS.join(', ')}
    CMD …                  what its container runs; default: a server on mutual TLS with the pod's identity
`

const OPTIONS = {
  once: { type: 'boolean' },
  out: { type: 'string' },
  namespace: { type: 'string' },
  'service-account': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export function parseCommand(argv: readonly string[]): Command {
  try {
    return commandOf(argv)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(argv: readonly string[]): Command {
  const cut = argv.indexOf('--')
  const [own, command] = cut < 0 ? [argv, []] : [argv.slice(0, cut), argv.slice(cut + 1)]
  const { values, positionals } = parseArgs({ args: [...own], options: OPTIONS, allowPositionals: true, strict: true })
  if (values.help === true) return { kind: 'help' }
  const [verb, name, ...rest] = positionals
  if (verb === undefined) {
    const stray = cut >= 0 ? '--' : (['namespace', 'service-account'] as const).find((option) => values[option] !== undefined)
    if (stray !== undefined) return { kind: 'wrong', problem: `${stray} belongs to \`pod\`` }
    return { kind: 'up', once: values.once === true, out: values.out }
  }
  if (verb === 'pod' && name === undefined) return { kind: 'wrong', problem: '`pod` needs a NAME' }
  if (verb !== 'pod' || name === undefined || rest.length > 0) return { kind: 'wrong', problem: `not understood: ${positionals.join(' ')}` }
  if (values.once !== undefined || values.out !== undefined) return { kind: 'wrong', problem: '--once does not go with `pod`, and --out neither' }
  return { kind: 'pod', name, namespace: values.namespace ?? 'shop', serviceAccount: values['service-account'] ?? 'web', command }
}
