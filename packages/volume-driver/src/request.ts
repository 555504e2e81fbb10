/**
 * What the kubelet asks for, parsed: the mount directory, and the pod from the options (`spec/node-interfaces.md`
 * 1.2, 1.3).
 */
import { isPodUid } from '@pallas/wire'
import { DriverError } from './error.ts'

/** `<kubelet root>/pods/<uid>/volumes/<vendor>~<driver>/<volume>`, absolute and without detours. */
export interface MountDir {
  readonly path: string
  /** The directory of all volumes of this driver in the pod. */
  readonly parent: string
  readonly podUid: string
}

export interface MountOptions {
  readonly pod: PodOptions
  /**
   * Whether the kubelet makes every mount of it read-only, in every container: it alone can. A container's `subPath` is a mount of its
   * own, whatever the flags of ours, and for a container that asks for no `readOnly` runc makes the uppermost one writable.
   */
  readonly isReadOnly: boolean
}

export interface PodOptions {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly serviceAccount: string
}

const PATH_LIMIT = 4_095
const OPTIONS_LIMIT = 65_536

/** Read from the right: the kubelet's root may be anywhere. Throws `MOUNT_DIR_INVALID`. */
export function parseMountDir(path: string): MountDir {
  const parts = path.split('/')
  const [pods, podUid = '', volumes, driver, volume] = parts.slice(-5)
  const canonical = parts[0] === '' && parts.slice(1).every((part) => part !== '' && part !== '.' && part !== '..')
  if (!canonical || path.includes('\0') || new TextEncoder().encode(path).length > PATH_LIMIT)
    throw new DriverError('MOUNT_DIR_INVALID', 'the mount directory is not an absolute, canonical path')
  if (pods !== 'pods' || volumes !== 'volumes' || !isPodUid(podUid) || driver === undefined || volume === undefined)
    throw new DriverError('MOUNT_DIR_INVALID', 'the mount directory is not one of a pod')
  return { path, parent: parts.slice(0, -1).join('/'), podUid }
}

/** Other keys are not looked at: they may be secrets. Throws `OPTIONS_INVALID`, never with a value in it. */
export function parseOptions(json: string): MountOptions {
  const options = parseObject(json)
  const pod = {
    namespace: text(options, 'kubernetes.io/pod.namespace', LABEL),
    name: text(options, 'kubernetes.io/pod.name', SUBDOMAIN),
    uid: text(options, 'kubernetes.io/pod.uid', UID),
    serviceAccount: text(options, 'kubernetes.io/serviceAccount.name', SUBDOMAIN),
  }
  return { pod, isReadOnly: options.get('kubernetes.io/readwrite') === 'ro' }
}

/** The path is the kubelet's own; the options are merged with those of the pod's author (W14). */
export function checkSamePod({ podUid }: MountDir, { uid }: PodOptions): void {
  if (podUid !== uid) throw new DriverError('POD_UID_MISMATCH', 'options and mount directory name different pods')
}

/** The message goes to whoever wrote the pod. */
export function checkReadOnly({ isReadOnly }: MountOptions, writableVolumes: 'refuse' | 'allow'): void {
  if (isReadOnly || writableVolumes === 'allow') return
  throw new DriverError('VOLUME_WRITABLE', 'this volume must be read-only: write `readOnly: true` beside `driver` in its flexVolume')
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/
const UID = { test: isPodUid }

function text(options: ReadonlyMap<string, unknown>, key: string, form: { test(value: string): boolean }): string {
  const value = options.get(key)
  if (typeof value !== 'string' || value === '') throw new DriverError('OPTIONS_INVALID', `the options lack ${key}`)
  if (!form.test(value)) throw new DriverError('OPTIONS_INVALID', `the options have a malformed ${key}`)
  return value
}

function parseObject(json: string): ReadonlyMap<string, unknown> {
  if (json.length > OPTIONS_LIMIT) throw new DriverError('OPTIONS_INVALID', 'the options are too long')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // The parser's message would quote what it read.
    throw new DriverError('OPTIONS_INVALID', 'the options are not json')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value))
  throw new DriverError('OPTIONS_INVALID', 'the options are not a json object')
}
