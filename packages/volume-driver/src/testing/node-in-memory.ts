import { type MemoryHost, MemoryMachine } from '@pallas/host/testing'
import { nodeHost } from '@pallas/linux'
import type { Answer } from '../answer.ts'
import { runDriver } from '../run.ts'
import { SETTINGS_FILE } from '../settings.ts'
import { mountDirOf, mountOptions } from './kubelet-calls.ts'

export const KUBELET = '/var/lib/kubelet'
export const MOUNT_DIR = mountDirOf(KUBELET)
export const VOLUMES = '/var/athenz/volumes'
export const AGENT = '/var/athenz/agent'

/** A host of the cluster, in memory: the kubelet has made the mount directory, nothing else has happened. */
export async function nodeInMemory(settings?: Readonly<Record<string, unknown>>, pace?: () => Promise<void>) {
  const machine = new MemoryMachine({ keys: nodeHost().keys })
  const { files, mounts } = machine.open()
  const process = () => machine.open(pace === undefined ? {} : { pace })
  await files.mkdirs(MOUNT_DIR, 0o750)
  await files.mkdirs('/var/athenz', 0o755)
  if (settings !== undefined) await files.create(SETTINGS_FILE, new TextEncoder().encode(JSON.stringify(settings)), 0o600)
  return {
    machine,
    files,
    mounts,
    /** One call of the kubelet, as a process of its own. */
    call: (...argv: readonly string[]) => callDriver(process(), argv),
    mount: (options = mountOptions()) => callDriver(process(), ['mount', MOUNT_DIR, options]),
    unmount: () => callDriver(process(), ['unmount', MOUNT_DIR]),
    /** Handles of the volumes there are. */
    volumes: async () => ((await files.stat(VOLUMES)) === undefined ? [] : await files.list(VOLUMES)),
    text: async (path: string) => new TextDecoder().decode(await files.read(path, 10_000)),
  }
}

const err = (text: string): never => {
  throw new Error(`on stderr: ${text}`)
}

/** Runs the driver to its end; throws when it writes anything but one JSON document and a newline. */
export async function callDriver(
  host: MemoryHost,
  argv: readonly string[],
  signal = new AbortController().signal,
): Promise<Answer> {
  const out: string[] = []
  await runDriver(host, { argv, env: {}, signal, out: (text) => void out.push(text), err })
  if (out.length !== 1 || !out[0]?.endsWith('\n')) throw new Error(`not one document: ${JSON.stringify(out)}`)
  return JSON.parse(out[0]) as Answer
}
