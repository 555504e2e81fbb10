/** The volumes of a pod, at the paths where a real kubelet puts them: flexVolume, emptyDir and projected. */
import { chmod, chown, lstat, mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { KubeletApi } from './api.ts'
import { type FlexDriver, mountOptions } from './flex-driver.ts'
import { fieldOf } from './fields.ts'
import type { PodObject, ProjectedSource, VolumeObject } from './objects.ts'

export interface VolumesOptions {
  /** Kubelet root directory. */
  readonly rootDir: string
  readonly api: KubeletApi
  /** By driver name, `<vendor>/<driver>`. */
  readonly drivers: ReadonlyMap<string, FlexDriver>
}

export interface Volumes {
  /** Host path of a volume, set up or not. */
  pathOf(pod: PodObject, volume: VolumeObject): string
  setUp(pod: PodObject, volume: VolumeObject): Promise<void>
  /** Safe to call for a volume that was never, or only half, set up. */
  tearDown(pod: PodObject, volume: VolumeObject): Promise<void>
  forgetPod(pod: PodObject): Promise<void>
}

const TOKEN_LIFE_SECONDS = 3607

export function createVolumes({ rootDir, api, drivers }: VolumesOptions): Volumes {
  const podDir = (pod: PodObject) => join(rootDir, 'pods', pod.metadata.uid)
  const pathOf = (pod: PodObject, volume: VolumeObject) => join(podDir(pod), 'volumes', pluginOf(volume), volume.name)
  const driverOf = (volume: VolumeObject): FlexDriver => {
    const driver = drivers.get(volume.flexVolume?.driver ?? '')
    if (driver === undefined) throw new Error(`no flexvolume driver ${volume.flexVolume?.driver}`)
    return driver
  }

  return {
    pathOf,
    async setUp(pod, volume) {
      const path = pathOf(pod, volume)
      await mkdir(dirname(path), { recursive: true, mode: 0o750 })
      if (volume.flexVolume !== undefined) return setUpFlex(pod, volume, path, driverOf(volume))
      await mkdir(path, { recursive: true })
      if (volume.projected !== undefined) return writeProjected(pod, path, volume.projected.sources ?? [], api)
      return setUpEmptyDir(pod, path)
    },
    async tearDown(pod, volume) {
      const path = pathOf(pod, volume)
      if ((await lstat(path).catch(() => undefined)) === undefined) return
      if (volume.flexVolume === undefined) return rm(path, { recursive: true, force: true })
      await driverOf(volume).call('unmount', path)
      await rmdir(path).catch(() => undefined)
    },
    forgetPod: (pod) => rm(podDir(pod), { recursive: true, force: true }),
  }
}

async function setUpFlex(pod: PodObject, volume: VolumeObject, path: string, driver: FlexDriver): Promise<void> {
  if (await isMountPoint(path)) return
  await mkdir(path, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  try {
    await driver.call('mount', path, mountOptions(pod, volume))
  } catch (error) {
    await rmdir(path).catch(() => undefined)
    throw error
  }
}

/** As the kubelet sees it: another device than the parent's. A bind from the same file system is missed, as in the real one. */
async function isMountPoint(path: string): Promise<boolean> {
  const [own, parent] = await Promise.all([lstat(path).catch(() => undefined), lstat(dirname(path))])
  return own !== undefined && own.dev !== parent.dev
}

async function setUpEmptyDir(pod: PodObject, path: string): Promise<void> {
  const fsGroup = pod.spec.securityContext?.fsGroup
  if (fsGroup !== undefined) await chown(path, process.getuid?.() ?? 0, fsGroup)
  await chmod(path, fsGroup === undefined ? 0o777 : 0o2777)
}

async function writeProjected(pod: PodObject, path: string, sources: readonly ProjectedSource[], api: KubeletApi): Promise<void> {
  for (const { serviceAccountToken, configMap, downwardAPI } of sources) {
    if (serviceAccountToken !== undefined) {
      const { audience, expirationSeconds = TOKEN_LIFE_SECONDS } = serviceAccountToken
      const token = await api.serviceAccountToken(pod, { ...(audience === undefined ? {} : { audience }), expirationSeconds })
      await writeFile(join(path, serviceAccountToken.path), token, { mode: 0o644 })
    }
    if (configMap !== undefined) {
      const data = await api.configMap(pod.metadata.namespace, configMap.name)
      for (const { key, path: name } of configMap.items ?? Object.keys(data).map((key) => ({ key, path: key }))) {
        await writeFile(join(path, name), data[key] ?? '')
      }
    }
    for (const { path: name, fieldRef } of downwardAPI?.items ?? []) {
      await writeFile(join(path, name), fieldOf(pod, fieldRef.fieldPath, ''))
    }
  }
}

function pluginOf(volume: VolumeObject): string {
  if (volume.flexVolume !== undefined) return volume.flexVolume.driver.replaceAll('/', '~')
  return volume.projected === undefined ? 'kubernetes.io~empty-dir' : 'kubernetes.io~projected'
}
