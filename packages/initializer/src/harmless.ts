/**
 * What may be added to a container of ours after us, by the server's own admission or by plug-ins that the operator knows:
 * nothing that gives it more rights or makes it run other code. A pod's author can write whatever is tolerated here too,
 * into what looks like ours (T26), so it is a short list, and all that it does not name is a difference.
 */
import { fieldOf, type Fields, isFields } from './json.ts'

export interface Tolerance {
  /** Names of variables that may be added, with any value. */
  readonly toleratedEnv: readonly string[]
  /** Paths at which something may be mounted. */
  readonly toleratedMounts: readonly string[]
}

/** The container without what may have been added to what the template says. */
export function withoutAdditions(template: Fields, actual: Fields, { toleratedEnv, toleratedMounts }: Tolerance): Fields {
  const isTolerated = (mount: Fields): boolean =>
    toleratedMounts.includes(String(fieldOf(mount, 'mountPath'))) && fieldOf(mount, 'mountPropagation') !== 'Bidirectional'
  return {
    ...actual,
    env: without(template, actual, 'env', 'name', (it) => toleratedEnv.includes(String(fieldOf(it, 'name')))),
    volumeMounts: without(template, actual, 'volumeMounts', 'mountPath', (it) => isAccountToken(it) || isTolerated(it)),
    securityContext: withoutRestrictions(fieldOf(template, 'securityContext'), fieldOf(actual, 'securityContext')),
    resources: withoutLimits(fieldOf(template, 'resources'), fieldOf(actual, 'resources')),
  }
}

/** What the template names itself is never an addition. */
function without(template: Fields, actual: Fields, list: string, key: string, isAddition: (member: Fields) => boolean): unknown {
  const [said, found] = [fieldOf(template, list), fieldOf(actual, list)]
  if (!Array.isArray(found)) return found
  const named = Array.isArray(said) ? said.filter(isFields).map((it) => fieldOf(it, key)) : []
  return found.filter((it) => !(isFields(it) && !named.includes(fieldOf(it, key)) && isAddition(it)))
}

const ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount'

/** As the server itself puts it into every container, also below a directory that a template mounts. */
const isAccountToken = (mount: Fields): boolean =>
  fieldOf(mount, 'mountPath') === ACCOUNT_TOKEN &&
  fieldOf(mount, 'readOnly') === true &&
  Object.keys(mount).every((key) => ['name', 'mountPath', 'readOnly'].includes(key))

/** Settings that only take rights away, whoever made them. */
export const RESTRICTED = [
  'allowPrivilegeEscalation',
  'appArmorProfile',
  'capabilities',
  'privileged',
  'procMount',
  'readOnlyRootFilesystem',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'seLinuxOptions',
  'seccompProfile',
] as const

const RESTRICTIONS: Readonly<Record<(typeof RESTRICTED)[number], (value: unknown) => boolean>> = {
  allowPrivilegeEscalation: (value) => value === false,
  appArmorProfile: isConfined,
  capabilities: (value) => isFields(value) && Object.keys(value).every((key) => key === 'drop'),
  privileged: (value) => value === false,
  procMount: (value) => value === 'Default',
  readOnlyRootFilesystem: (value) => value === true,
  runAsGroup: isNobody,
  runAsNonRoot: (value) => value === true,
  runAsUser: isNobody,
  seLinuxOptions: (value) => isFields(value) && Object.keys(value).every((key) => key === 'level'),
  seccompProfile: isConfined,
}

function withoutRestrictions(said: unknown, found: unknown): unknown {
  if (!isFields(found)) return found
  const isAddition = ([key, value]: [string, unknown]): boolean =>
    isUnsaid(said, key) && RESTRICTED.some((it) => it === key && RESTRICTIONS[it](value))
  return Object.fromEntries(Object.entries(found).filter((entry) => !isAddition(entry)))
}

function isNobody(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

/** A profile of the node's may forbid less than that of the runtime. */
function isConfined(value: unknown): boolean {
  return isFields(value) && fieldOf(value, 'type') === 'RuntimeDefault'
}

/** What `LimitRanger` sets where nothing is said, and requests that follow from limits. */
export const LIMITED = ['cpu', 'memory', 'ephemeral-storage']

function withoutLimits(said: unknown, found: unknown): unknown {
  if (!isFields(found)) return found
  const kept = (key: string): unknown => {
    const [wanted, amounts] = [isFields(said) ? fieldOf(said, key) : undefined, fieldOf(found, key)]
    if (!isFields(amounts)) return amounts
    return Object.fromEntries(Object.entries(amounts).filter(([resource]) => !(LIMITED.includes(resource) && isUnsaid(wanted, resource))))
  }
  return { ...found, limits: kept('limits'), requests: kept('requests') }
}

const isUnsaid = (said: unknown, key: string): boolean => !isFields(said) || (fieldOf(said, key) ?? undefined) === undefined
