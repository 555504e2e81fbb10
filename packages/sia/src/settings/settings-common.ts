/** What both programs can be told, and the rules that their output files share. */
import { duration, type Kind, oneOf, path, setting } from '@pallas/config'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const

/** A path, or nothing for "do not write it". */
export const pathOrNothing: Kind<string> = {
  label: 'path or nothing',
  parse: (it) => (it === '' ? '' : path.parse(it)),
}

export const mode = {
  kind: oneOf('init', 'refresh'),
  rest: { required: true, doc: '`init` writes credentials once and ends; `refresh` keeps them fresh for ever.' },
} as const

export const common = {
  mode: setting(mode.kind, mode.rest),
  initTimeout: setting(duration({ min: '1s' }), {
    default: '60s',
    doc: 'How long `init` tries again while something is unavailable.',
  }),
  timeout: setting(duration({ min: '100ms', max: '10m' }), { default: '30s', doc: 'How long one call may take.' }),
  logLevel: setting(oneOf(...LOG_LEVELS), { default: 'info', doc: 'Least level that is logged.' }),
}

interface Times {
  readonly mode: 'init' | 'refresh'
  readonly timeout: number
  readonly initTimeout: number
}

/** No call may take longer than there is time for all of them. */
export const callTimeout = ({ mode, timeout, initTimeout }: Times): number =>
  mode === 'init' ? Math.min(timeout, initTimeout) : timeout

export const refreshInterval = {
  env: 'REFRESH_INTERVAL',
  doc: 'Longest time between two renewals; they come earlier when half of the life is over.',
}

/** One sentence for each output that cannot be written; `outputs` are flags and paths, empty for none. */
export function checkOutputs(outputs: readonly (readonly [flag: string, path: string])[]): string[] {
  const taken = new Map<string, string>()
  const problems = new Set<string>()
  for (const [flag, file] of outputs) {
    if (file === '') continue
    const other = taken.get(file)
    if (other !== undefined) problems.add(bothName(flag, other, 'the same file'))
    taken.set(file, flag)
    if (!isFilePath(file)) problems.add(`--${flag} must be the absolute path of a file, not below the root itself`)
  }
  for (const [file, flag] of taken) {
    const above = taken.get(file.slice(0, file.lastIndexOf('/')))
    if (above !== undefined) problems.add(bothName(flag, above, 'a file and its directory'))
  }
  return [...problems]
}

const bothName = (one: string, other: string, what: string): string =>
  one === other ? `--${one} names ${what}` : `--${one} and --${other} name ${what}`

/** Absolute and plain: no empty part, no `.` or `..`, no name that a generation could have, and none too long. */
const isFilePath = (file: string): boolean =>
  /^\/[^/]+\/./.test(file) && !/\/(\/|\.\.|\.(\/|$)|$)/.test(file) && file.split('/').every((it) => it.length <= 200)
