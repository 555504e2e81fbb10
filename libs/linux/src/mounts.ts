/** Bind mounts of the mount namespace of this process. */
import { HostError, type Mounts } from '@pallas/host'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { fileError } from './host-error.ts'
import { bindAtOnce, type BindRequest, bindInTwoCalls, unmountCall } from './mount-calls.ts'
import { mountsUnder, parseMountinfo } from './mountinfo.ts'

const READS = 5

export interface NodeMountsOptions {
  /** False: as on a kernel before 5.12. */
  readonly atOnce?: boolean
}

export const nodeMounts = ({ atOnce = true }: NodeMountsOptions = {}): Mounts => ({
  bind: async (source, target, { readOnly }) => {
    const request: BindRequest = { source: await directory(source), target: await directory(target), readOnly }
    if (!atOnce || !bindAtOnce(request)) bindInTwoCalls(request)
  },
  unmount: async (target) => unmountCall(await parentsResolved(target)),
  under: async (path) => mountsUnder(parseMountinfo(await readMountinfo()), await parentsResolved(path)),
})

/** The same path, symlinks on the way followed; one that is itself no directory is refused. */
async function directory(path: string): Promise<string> {
  try {
    if ((await lstat(path)).isDirectory()) return await parentsResolved(path)
  } catch (error) {
    throw fileError(path, error)
  }
  throw new HostError('HOST_WRONG_KIND', 'not a directory', { path })
}

/** mountinfo and the kernel speak of resolved paths; a path whose parents are missing is left as it is. */
async function parentsResolved(path: string): Promise<string> {
  if (!path.startsWith('/') || !path.isWellFormed()) throw new HostError('HOST_IO', 'not an absolute path', { path })
  const cut = path.lastIndexOf('/')
  if (cut === 0) return path
  const parent = await realpath(path.slice(0, cut)).catch(() => path.slice(0, cut))
  return parent === '/' ? path.slice(cut) : `${parent}${path.slice(cut)}`
}

/** The kernel hands it out in pieces, between which mounts may come and go: read until two readings agree. */
async function readMountinfo(): Promise<string> {
  let last = await mountinfo()
  for (let reads = 1; reads < READS; reads++) {
    const next = await mountinfo()
    if (next === last) break
    last = next
  }
  return last
}

const mountinfo = async (): Promise<string> => {
  try {
    return await readFile('/proc/self/mountinfo', 'utf8')
  } catch (error) {
    throw fileError('/proc/self/mountinfo', error)
  }
}
