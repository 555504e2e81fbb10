/**
 * What lies where on a host, agreed between the volume driver (writes), the agent (reads) and the SIA (sees `mount/`).
 *
 *     <volumes>/<handle>/data.json       which pod, root only           written by the driver
 *     <volumes>/<handle>/context.json    refresh state, no secrets      written by the agent
 *     <volumes>/<handle>/mount/          what the pod sees, read-only
 *     <volumes>/<handle>/mount/id        the handle, no newline
 *     <volumes>/<handle>/mount/connect/  agent.sock, bound by the agent
 *     <volumes>/.sockets/                where the agent makes sockets, its user's alone
 *     <volumes>/.<anything else>         being built or being removed: not a volume
 */
import { IdentityError } from '@pallas/identity'

declare const brand: unique symbol
/** 43 characters of base64url: an HMAC-SHA256 of the mount directory. Names a volume, gives no right. */
export type Handle = string & { readonly [brand]: 'Handle' }

const HANDLE = /^[A-Za-z0-9_-]{43}$/
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^[0-9a-f]{32}$/

/** Throws `HANDLE_INVALID` for any other form, before anything touches a path with it. */
export function parseHandle(text: string): Handle {
  if (HANDLE.test(text)) return text as Handle
  throw new IdentityError('HANDLE_INVALID', 'not a handle', { length: text.length })
}

export const isHandle = (text: string): text is Handle => HANDLE.test(text)

/** A pod UID as kubelets make them: a UUID, or 32 hex digits for a static pod. */
export const isPodUid = (text: string): boolean => UID.test(text)

export const volumePaths = (volumesDir: string, handle: Handle) => {
  const root = `${volumesDir}/${handle}`
  return {
    root,
    data: `${root}/data.json`,
    context: `${root}/context.json`,
    mount: `${root}/mount`,
    id: `${root}/mount/id`,
    connect: `${root}/mount/connect`,
    socket: `${root}/mount/connect/agent.sock`,
  }
}

/** Name of the directory, beside the volumes, where sockets are made before they appear in one: no pod sees it. */
export const SOCKETS = '.sockets'

export const VOLUME_MODES = { sockets: 0o700, root: 0o750, state: 0o600, mount: 0o755, connect: 0o755, id: 0o444 } as const

/** Longest path that fits `sun_path`, in bytes. */
export const SOCKET_PATH_LIMIT = 107

/** `data.json`: the pod that a volume was made for, in the kubelet's own words at mount time. */
export interface VolumeData {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly serviceAccount: string
  readonly mountDir: string
  /** RFC 3339. */
  readonly createdAt: string
  /** The pod's author did not make it read-only: root in the pod may write beside what is in it. */
  readonly writable?: true
}

export const formatVolumeData = (data: VolumeData): string => `${JSON.stringify(data)}\n`

const ABSOLUTE = /^\/[^\0]*$/

/** Takes unknown keys; throws `VOLUME_UNTRUSTED` for anything that is not the shape. */
export function parseVolumeData(json: string): VolumeData {
  const data = parseObject(json)
  const text = (key: Exclude<keyof VolumeData, 'writable'>): string => {
    const value = data[key]
    if (typeof value === 'string' && value !== '') return value
    throw untrusted('data.json lacks a field', { key })
  }
  if (!isPodUid(text('uid'))) throw untrusted('data.json names no pod uid', {})
  if (!ABSOLUTE.test(text('mountDir'))) throw untrusted('data.json names no absolute mount directory', {})
  return {
    namespace: text('namespace'),
    name: text('name'),
    uid: text('uid'),
    serviceAccount: text('serviceAccount'),
    mountDir: text('mountDir'),
    createdAt: text('createdAt'),
    ...(data['writable'] === true ? { writable: true } : {}),
  }
}

/** `context.json`: what the agent must remember of an identity over its own restart. No secrets. */
export interface VolumeContext {
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly instanceId: string
  /** Serial of the newest certificate issued, upper-case hex. */
  readonly serial: string
  /** Epoch milliseconds. */
  readonly notAfter: number
  /** The certificate itself, where the pod holds its key: for a pod whose answer was lost, while nobody issues another. */
  readonly issued?: IssuedCertificate
}

/** PEM. Certificates are public. */
export interface IssuedCertificate {
  readonly cert: string
  /** Issuers. */
  readonly ca: string
}

export const formatVolumeContext = (context: VolumeContext): string => `${JSON.stringify(context)}\n`

/** Undefined when the text is not a context: the agent then starts anew. */
export function parseVolumeContext(json: string): VolumeContext | undefined {
  try {
    const { provider, domain, service, instanceId, serial, notAfter, issued } = parseObject(json)
    const texts = [provider, domain, service, instanceId, serial]
    if (!texts.every((value) => typeof value === 'string') || typeof notAfter !== 'number') return undefined
    const certificate = issuedOf(issued)
    const known = { provider, domain, service, instanceId, serial, notAfter } as VolumeContext
    return certificate === undefined ? known : { ...known, issued: certificate }
  } catch {
    return undefined
  }
}

function issuedOf(value: unknown): IssuedCertificate | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { cert, ca } = value as Record<string, unknown>
  return typeof cert === 'string' && typeof ca === 'string' ? { cert, ca } : undefined
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw untrusted('not json', {})
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw untrusted('not a json object', {})
}

const untrusted = (message: string, fields: Record<string, unknown>) =>
  new IdentityError('VOLUME_UNTRUSTED', message, fields)
