/** Memory of a program in its container, as the kernel counts it. */
import { readFileSync } from 'node:fs'
import type { PodObject } from '@pallas/suite'
import { processesOf } from '../processes.ts'

const text = (file: string): string => readFileSync(file, 'utf8')

export interface ContainerMemory {
  readonly program: string
  /** MiB each; the parts are of no file, and of files that others may have mapped too. */
  readonly resident: number
  readonly anonymous: number
  readonly file: number
  /** Of the container's cgroup: what is in use but for idle pages of files, as `kubectl top` has it. */
  readonly workingSet: number
}

const MIB = 2 ** 20

/** Each process of a pod that is one of the suite's programs. */
export function memoryOfPrograms(pod: Pick<PodObject, 'metadata'>): ContainerMemory[] {
  return processesOf(pod).flatMap(({ pid, argv }) => {
    const program = programOf(argv)
    if (program === undefined) return []
    const { files, parts } = cgroupFiles(text(`/proc/${pid}/cgroup`))
    const workingSet = workingSetOf(text(files.usage), text(files.stat), parts) / MIB
    return [{ program, ...residentIn(text(`/proc/${pid}/status`)), workingSet }]
  })
}

/** `/usr/lib/athenz/<program>/main.mjs` or `/usr/bin/<program>`, wherever in the command Node's flags leave it. */
export function programOf(argv: readonly string[]): string | undefined {
  const found = argv.map((arg) => /^\/usr\/(?:lib\/athenz|bin)\/(athenz-[a-z-]+)(?:\/main\.mjs)?$/.exec(arg)?.[1])
  return found.find((it) => it !== undefined)
}

export function residentIn(status: string): Pick<ContainerMemory, 'resident' | 'anonymous' | 'file'> {
  const mebibytes = (field: string): number => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    if (found === undefined) throw new Error(`the status of a process lacks ${field}`)
    return Number(found) / 1_024
  }
  return { resident: mebibytes('VmRSS'), anonymous: mebibytes('RssAnon'), file: mebibytes('RssFile') }
}

interface CgroupFiles {
  readonly files: { readonly usage: string; readonly stat: string }
  /** Name of the idle pages of files in `memory.stat`. */
  readonly parts: 'total_inactive_file' | 'inactive_file'
}

const ROOT = '/sys/fs/cgroup'

/** Of the second version of cgroups, or of the first, where memory has a hierarchy of its own. */
export function cgroupFiles(text: string): CgroupFiles {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
  const own = lines.find((line) => line?.[1]?.split(',').includes('memory'))?.[2]
  if (own !== undefined) {
    const dir = `${ROOT}/memory${own}`
    return { files: { usage: `${dir}/memory.usage_in_bytes`, stat: `${dir}/memory.stat` }, parts: 'total_inactive_file' }
  }
  const dir = `${ROOT}${lines.find((line) => line?.[1] === '')?.[2] ?? ''}`
  return { files: { usage: `${dir}/memory.current`, stat: `${dir}/memory.stat` }, parts: 'inactive_file' }
}

export function workingSetOf(usage: string, stat: string, idle: CgroupFiles['parts']): number {
  const found = new RegExp(`^${idle} (\\d+)$`, 'm').exec(stat)?.[1]
  if (found === undefined) throw new Error(`memory.stat lacks ${idle}`)
  return Math.max(0, Number(usage) - Number(found))
}
