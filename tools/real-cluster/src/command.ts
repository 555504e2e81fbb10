/** The command line of the cluster. */
export type Command =
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly keepLogs: boolean }
  | { readonly kind: 'status'; readonly json: boolean }
  | { readonly kind: 'kubectl'; readonly args: readonly string[] }
  | { readonly kind: 'load'; readonly images: readonly string[] }
  | { readonly kind: 'restart'; readonly name: string }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'check' }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run cluster -- up                 brings a Kubernetes of one node up on this machine (root; the first time it is built)
npm run cluster -- down [--keep-logs] takes it down and leaves the machine as it was
npm run cluster -- status [--json]    what there is, and where
npm run cluster -- kubectl ARG …      its kubectl, as administrator
npm run cluster -- load [IMAGE …]     OCI archives, or names of what \`npm run images\` has made; without one, all of that
npm run cluster -- restart NAME       kills one of its programs and starts it again: kubelet, containerd, …
npm run cluster -- check              whether this machine can hold a cluster; 69 and the reason when not
npm run cluster -- reboot             ends all of it as a loss of power does, and starts it again with what was on disk

PALLAS_CLUSTER_STATE: its directory, at most 40 characters. The programs are kept in the user's cache.
`

export function parseCommand([verb, ...args]: readonly string[]): Command {
  switch (verb) {
    case 'up':
    case 'reboot':
    case 'check':
      return args.length === 0 ? { kind: verb } : tooMuch(verb, args)
    case 'down':
      return onlyFlag(verb, args, '--keep-logs', (keepLogs) => ({ kind: 'down', keepLogs }))
    case 'status':
      return onlyFlag(verb, args, '--json', (json) => ({ kind: 'status', json }))
    case 'kubectl':
      return { kind: 'kubectl', args }
    case 'load':
      return { kind: 'load', images: args }
    case 'restart': {
      const [name, ...more] = args
      if (name === undefined) return { kind: 'wrong', problem: '`restart` needs a NAME' }
      return more.length === 0 ? { kind: 'restart', name } : tooMuch(verb, more)
    }
    case undefined:
    case '-h':
    case '--help':
    case 'help':
      return { kind: 'help' }
    default:
      return { kind: 'wrong', problem: `not understood: ${verb}` }
  }
}

function onlyFlag(verb: string, args: readonly string[], flag: string, command: (on: boolean) => Command): Command {
  const others = args.filter((arg) => arg !== flag)
  return others.length === 0 ? command(args.includes(flag)) : tooMuch(verb, others)
}

const tooMuch = (verb: string, args: readonly string[]): Command => ({ kind: 'wrong', problem: `\`${verb}\` does not take ${args.join(' ')}` })
