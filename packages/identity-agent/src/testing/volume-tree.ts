import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import type { Pod } from '@pallas/identity'
import { formatVolumeData, type Handle, parseHandle, VOLUME_MODES, type VolumeData, volumePaths } from '@pallas/wire'

/** The handle that the tests' driver gives a pod's volume. */
export const handleOf = (pod: Pick<Pod, 'uid'>, volume = ''): Handle =>
  parseHandle(createHash('sha256').update(`handle key ${pod.uid}${volume}`).digest('base64url'))

/** Makes a volume as the driver does: beside, then renamed into place. */
export function makeVolume(volumesDir: string, pod: Pod, createdAt: number, volume = '', more: Pick<VolumeData, 'writable'> = {}): Handle {
  const handle = handleOf(pod, volume)
  const draft = `.${handle}` as Handle
  const paths = volumePaths(volumesDir, draft)
  const directories = [
    [paths.root, VOLUME_MODES.root],
    [paths.mount, VOLUME_MODES.mount],
    [paths.connect, VOLUME_MODES.connect],
  ] as const
  for (const [path, mode] of directories) {
    mkdirSync(path)
    chmodSync(path, mode)
  }
  const { namespace, name, uid, serviceAccount } = pod
  const mountDir = `/var/lib/kubelet/pods/${uid}/volumes/athenz/identity`
  const data = { namespace, name, uid, serviceAccount, mountDir, createdAt: new Date(createdAt).toISOString(), ...more }
  writeFileSync(paths.data, formatVolumeData(data), { mode: VOLUME_MODES.state })
  writeFileSync(paths.id, handle, { mode: VOLUME_MODES.id })
  renameSync(paths.root, volumePaths(volumesDir, handle).root)
  return handle
}

export function removeVolume(volumesDir: string, handle: Handle): void {
  const { root } = volumePaths(volumesDir, handle)
  const grave = `${volumesDir}/.gone-${handle}`
  renameSync(root, grave)
  rmSync(grave, { recursive: true })
}
