/** The calls of the kubelet: `init`, `mount`, `unmount`, each as a row of steps (`spec/node-interfaces.md` 1.5). */
import type { Host } from '@pallas/host'
import { type Handle, SOCKET_PATH_LIMIT, type VolumeData, volumePaths } from '@pallas/wire'
import { openAgentDir } from './agent-dir.ts'
import { type Answer, initialised, notSupported, success } from './answer.ts'
import { DriverError } from './error.ts'
import { handleOf, possibleHandles } from './handle.ts'
import { bindMounter, hide, isShown, linkMounter, type Mounter } from './mounter.ts'
import { checkReadOnly, checkSamePod, type MountDir, type MountOptions, parseMountDir, parseOptions } from './request.ts'
import type { DriverSettings } from './settings.ts'
import { takeTurn } from './turns.ts'
import { buildVolume, discardVolume, isWhole, openVolumesDir, readVolumes, type Volume } from './volume.ts'

export interface CommandDeps {
  readonly host: Host
  /** Read only when a command needs them: `init` is called often and holds up the whole node. */
  readonly settings: () => Promise<DriverSettings>
}

interface Work {
  readonly host: Host
  readonly settings: DriverSettings
  readonly mountDir: MountDir
}

/** Throws what stands in the way of `Success`. */
export async function runCommand(argv: readonly string[], deps: CommandDeps, signal: AbortSignal): Promise<Answer> {
  const [command, path, options] = argv
  if (command === 'init') return initialised
  if (command !== 'mount' && command !== 'unmount') return notSupported
  if (path === undefined) throw new DriverError('USAGE', `${command} needs a mount directory`)
  if (command === 'mount' && options === undefined) throw new DriverError('USAGE', 'mount needs options')

  const mountDir = parseMountDir(path)
  const wanted = command === 'mount' ? parseOptions(options ?? '') : undefined
  if (wanted !== undefined) checkSamePod(mountDir, wanted.pod)
  const settings = await deps.settings()
  const work = { host: deps.host, settings, mountDir }
  return wanted === undefined ? await unmount(work, signal) : await mount(work, wanted, signal)
}

async function mount(work: Work, wanted: MountOptions, signal: AbortSignal): Promise<Answer> {
  const { host, settings, mountDir } = work
  const { files } = host
  const { volumesDir } = settings
  checkReadOnly(wanted, settings.writableVolumes)
  const { pod, isReadOnly } = wanted
  checkSocketPath(volumesDir)
  await openVolumesDir(files, volumesDir)
  const agentDir = await openAgentDir(settings, files)
  await using _turn = await takeTurn(mountDir, volumesDir, host, signal)

  const handle = await handleOf(mountDir.path, settings, host)
  // Where nothing is shown, trees of other names can wait for the unmounting.
  const everywhere = await isShown(host, mountDir.path)
  const volumes = await readVolumes(volumesDir, files, everywhere ? undefined : [handle])
  // What has its name stands in its way, whatever it says of itself.
  const found = volumes.filter((volume) => volume.handle === handle || volume.data?.mountDir === mountDir.path)
  const mounter = settings.mounter === 'bind' ? bindMounter(host, { agentDir, isGuarded: !isReadOnly }) : linkMounter(host)
  const living = await livingVolume(found, { uid: pod.uid, mountDir: mountDir.path }, files)
  if (living !== undefined && (await mounter.shows(living.paths.mount, mountDir.path))) return success()

  signal.throwIfAborted()
  const wasShown = everywhere && (await hide(host, mountDir.path, volumesDir))
  // Containers of a live pod see the tree itself, so that it must stay theirs; after a reboot nothing does (W11).
  const kept = wasShown ? living : undefined
  for (const volume of found) if (volume !== kept) await discardVolume(volume, volumesDir, host)
  await makeAndShow({ ...work, mounter, kept, handle }, wanted, signal)
  return success()
}

/** The volume that an earlier call for the same pod made, if it is still as it was made. */
async function livingVolume(
  found: readonly Volume[],
  { uid, mountDir }: Pick<VolumeData, 'uid' | 'mountDir'>,
  files: Host['files'],
): Promise<Volume | undefined> {
  for (const volume of found) if (volume.data?.uid === uid && volume.data.mountDir === mountDir && (await isWhole(volume, files))) return volume
  return undefined
}

interface MakeAndShow extends Work {
  readonly mounter: Mounter
  /** Shown again instead of a new one, and then not taken away on failure. */
  readonly kept: Volume | undefined
  readonly handle: Handle
}

async function makeAndShow(work: MakeAndShow, { pod, isReadOnly }: MountOptions, signal: AbortSignal): Promise<void> {
  const { host, settings, mountDir, mounter, kept, handle } = work
  const { volumesDir } = settings
  await using undo = new AsyncDisposableStack()
  const weak = isReadOnly ? {} : { writable: true as const }
  const data = { ...pod, mountDir: mountDir.path, createdAt: rfc3339(host.clock.now()), ...weak }
  const volume = kept ?? (await buildVolume({ volumesDir, handle, data }, host))
  if (kept === undefined) undo.defer(() => quietly(discardVolume(volume, volumesDir, host)))
  signal.throwIfAborted()
  if ((await host.files.stat(mountDir.path)) === undefined) {
    await host.files.mkdir(mountDir.path, 0o750)
    undo.defer(() => quietly(host.files.rmdir(mountDir.path)))
  }
  await mounter.show(volume.paths.mount, mountDir.path)
  undo.move()
}

/**
 * Takes away the volume of this mount directory and of no other, whatever seems to be gone: a root of the kubelet that is
 * covered, or not there yet, looks as if every pod had ended.
 */
async function unmount({ host, settings, mountDir }: Work, signal: AbortSignal): Promise<Answer> {
  const { volumesDir } = settings
  await using _turn = await takeTurn(mountDir, volumesDir, host, signal)
  await hide(host, mountDir.path, volumesDir)
  if ((await host.files.stat(volumesDir)) === undefined) return success()

  await openVolumesDir(host.files, volumesDir)
  const volumes = await readVolumes(volumesDir, host.files)
  const discard = async (volume: Volume): Promise<void> => {
    signal.throwIfAborted()
    await discardVolume(volume, volumesDir, host)
  }
  for (const volume of volumes) if (volume.data?.mountDir === mountDir.path) await discard(volume)
  // Those that say nothing of themselves go by their names.
  const silent = volumes.filter(({ data }) => data === undefined)
  const names = silent.length > 0 ? await possibleHandles(mountDir.path, settings, host) : []
  for (const volume of silent) if (names.includes(volume.handle)) await discard(volume)
  return success()
}

/** The agent could not listen there, and would find out only when a pod is waiting. */
function checkSocketPath(volumesDir: string): void {
  const { socket } = volumePaths(volumesDir, 'x'.repeat(43) as Handle)
  const length = new TextEncoder().encode(socket).length
  if (length <= SOCKET_PATH_LIMIT) return
  const spare = `${length - SOCKET_PATH_LIMIT} bytes`
  throw new DriverError('SOCKET_PATH_TOO_LONG', `volumesDir is ${spare} too long for the sockets below it`)
}

/** Undoing reports nothing: the answer tells why it was needed, and a later call sweeps what stayed. */
const quietly = (work: Promise<void>): Promise<void> => work.catch(() => undefined)

// oxlint-disable-next-line no-restricted-globals -- writes down a time it is given, reads no clock
const rfc3339 = (ms: number): string => new Date(ms).toISOString()
