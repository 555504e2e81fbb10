/**
 * Calls a FlexVolume driver as the kubelet does: argv `<command> [<dir> [<json>]]`, stdout and stderr read as one text that
 * must be one JSON object, exit code and status both asked (spec/node-interfaces.md 1.2–1.4, and argv recorded from 1.37).
 */
import { execFile } from 'node:child_process'
import type { PodObject, VolumeObject } from './objects.ts'

export interface DriverAnswer {
  readonly status: string
  readonly message?: string
  readonly capabilities?: Readonly<Record<string, boolean>>
}

export interface FlexDriver {
  /** Throws when the driver does not answer `Success`. */
  call(...args: string[]): Promise<DriverAnswer>
}

/** Real kubelets wait for ever; a harness that hangs proves nothing. */
const DRIVER_DEADLINE_MS = 30_000

export function createFlexDriver(executable: string, env: Readonly<Record<string, string>>): FlexDriver {
  return {
    call: async (...args) => {
      const { output, exitCode } = await run(executable, args, env)
      const answer = parse(output)
      if (answer === undefined) throw new Error(`driver ${args[0]}: not one JSON object (exit ${exitCode}): ${output.slice(0, SHOWN)}`)
      if (answer.status !== 'Success' || exitCode !== 0) {
        throw new Error(`driver ${args[0]}: ${answer.status} (exit ${exitCode}): ${answer.message ?? ''}`)
      }
      return answer
    },
  }
}

/** Keys and values as the kubelet passes them to `mount`; the pod's own options come last. */
export function mountOptions(pod: PodObject, volume: VolumeObject): string {
  const { metadata, spec } = pod
  const fsGroup = spec.securityContext?.fsGroup
  const options: Record<string, string> = {
    'kubernetes.io/fsType': volume.flexVolume?.fsType ?? '',
    ...(fsGroup === undefined ? {} : { 'kubernetes.io/mounterArgs.FsGroup': String(fsGroup) }),
    'kubernetes.io/pod.name': metadata.name,
    'kubernetes.io/pod.namespace': metadata.namespace,
    'kubernetes.io/pod.uid': metadata.uid,
    'kubernetes.io/pvOrVolumeName': volume.name,
    'kubernetes.io/readwrite': volume.flexVolume?.readOnly === true ? 'ro' : 'rw',
    'kubernetes.io/serviceAccount.name': spec.serviceAccountName ?? '',
    ...volume.flexVolume?.options,
  }
  return JSON.stringify(Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Of what a driver printed in place of an answer. */
const SHOWN = 200

function parse(output: string): DriverAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(output)
    return typeof answer === 'object' && answer !== null && 'status' in answer ? (answer as DriverAnswer) : undefined
  } catch {
    return undefined
  }
}

function run(executable: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const { promise, resolve, reject } = Promise.withResolvers<{ output: string; exitCode: number }>()
  execFile(executable, args, { env: { ...env }, timeout: DRIVER_DEADLINE_MS, encoding: 'utf8' }, (error, stdout, stderr) => {
    if (error !== null && typeof error.code !== 'number') reject(error)
    else resolve({ output: `${stdout}${stderr}`, exitCode: typeof error?.code === 'number' ? error.code : 0 })
  })
  return promise
}
