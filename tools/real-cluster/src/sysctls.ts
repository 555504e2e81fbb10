/** Kernel settings that a kubelet sets for the whole machine. */
import { readFileSync, writeFileSync } from 'node:fs'

const NAMES = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes']

const read = (name: string): string => readFileSync(`/proc/sys/${name}`, 'utf8').trim()

export const readSysctls = (): Record<string, string> => Object.fromEntries(NAMES.map((name) => [name, read(name)]))

export function restoreSysctls(before: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(before)) if (read(name) !== value) writeFileSync(`/proc/sys/${name}`, value)
}
