/**
 * What other admission plug-ins may add to a container of ours: nothing that gives it more rights, makes it run other
 * code, or hides a file of it. A pod's author can write such a thing too, into what looks like ours (T26).
 */
import { fieldOf, type Fields, isFields, isNamed, type Named } from './json.ts'
import { isEmpty, isMadeFrom } from './made-from.ts'

/** Settings that only take rights away, whoever made them. */
const RESTRICTIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  allowPrivilegeEscalation: (value) => value === false,
  appArmorProfile: isConfined,
  capabilities: (value) => isFields(value) && isEmpty(fieldOf(value, 'add')),
  privileged: (value) => value === false,
  procMount: (value) => value === 'Default',
  readOnlyRootFilesystem: (value) => typeof value === 'boolean',
  runAsGroup: isNobody,
  runAsNonRoot: (value) => value === true,
  runAsUser: isNobody,
  seLinuxOptions: (value) => isFields(value) && Object.keys(value).every((key) => key === 'level'),
  seccompProfile: isConfined,
}

export function isSecurityHarmless(actual: unknown, template: Named): boolean {
  if (!isFields(actual)) return false
  const said = fieldOf(template, 'securityContext')
  return Object.entries(actual).every(([key, value]) => {
    const wanted = isFields(said) ? fieldOf(said, key) : undefined
    if (wanted !== undefined) return isMadeFrom(value, wanted)
    return Object.hasOwn(RESTRICTIONS, key) && RESTRICTIONS[key]?.(value) === true
  })
}

function isNobody(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function isConfined(value: unknown): boolean {
  return isFields(value) && ['RuntimeDefault', 'Localhost'].includes(String(fieldOf(value, 'type')))
}

/** Variables that make a program run something else. */
const LOADING = /^(LD_.*|NODE_OPTIONS|PATH)$/

/** Of two variables with one name the kubelet takes the last. */
export function isVariableHarmless(actual: unknown, template: Named): boolean {
  const said = listOf(fieldOf(template, 'env'))
  return listOf(actual).every((variable) => {
    const wanted = said.find((it) => it.name === variable.name)
    return wanted === undefined ? !LOADING.test(variable.name) : isSame(wanted, variable)
  })
}

/** The server itself puts it into every container, also below a directory that a template mounts. */
const ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount'

/** A mount is the template's own, or lies beside all of those and beside the program. */
export function isMountHarmless(actual: unknown, template: Named): boolean {
  const said = listOf(fieldOf(template, 'volumeMounts'))
  const command = fieldOf(template, 'command')
  const program = Array.isArray(command) && typeof command[0] === 'string' ? [command[0]] : []
  const taken = [...said.map(pathOf), ...program.map(canonical)]
  return listOf(actual).every((mount) => {
    if (said.some((it) => isSame(it, mount))) return true
    const path = pathOf(mount)
    if (path === ACCOUNT_TOKEN) return true
    const isBeside = !taken.some((it) => isWithin(it, path) || isWithin(path, it))
    return isBeside && fieldOf(mount, 'mountPropagation') !== 'Bidirectional'
  })
}

/** Made from the template, with no field of its own. */
const isSame = (said: Named, actual: Named): boolean =>
  isMadeFrom(said, actual) && Object.entries(actual).every(([key, value]) => isEmpty(value) || !isEmpty(fieldOf(said, key)))

const listOf = (value: unknown): readonly Named[] => (Array.isArray(value) ? value.filter(isNamed) : [])

function pathOf(mount: Fields): string {
  const path = fieldOf(mount, 'mountPath')
  return canonical(typeof path === 'string' ? path : '')
}

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)

/** As a container runtime reads it: from the root, without detours. */
function canonical(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
