/** Profiles a server of the cluster under load: it writes its profile when it is asked to stop. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerName } from '@pallas/sandbox'
import type { BenchContext } from '../bench.ts'
import { bundle, type Entry } from '../bundle.ts'
import type { BenchCluster } from '../cluster.ts'
import { pinned, SERVER_CORE } from '../pin.ts'
import { cpuFlags, readProfile, withFlags } from './cpu.ts'

export interface ProfiledServer {
  readonly it: BenchCluster
  readonly name: ServerName
  readonly entry: Entry
  readonly changes?: Readonly<Record<string, string>>
  /** Given the server's process. */
  readonly work: (pid: number) => Promise<unknown>
}

export async function profiledServer(
  { it, name, entry, changes = {}, work }: ProfiledServer,
  { dir }: Pick<BenchContext, 'dir'>,
): Promise<readonly string[]> {
  const out = mkdtempSync(join(dir, 'prof-'))
  const command = withFlags(await bundle(entry, dir), cpuFlags(out))
  const server = await it.replace(name, pinned(command, SERVER_CORE), changes)
  await work(server.pid)
  await server[Symbol.asyncDispose]()
  return [`${name} under load, bundled`, ...readProfile(out)]
}
