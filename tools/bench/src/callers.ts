/** This process as a pod that calls the agent: placed in one pod after the other, with a key of its own each time. */
import type { Pod } from '@pallas/identity'
import { nodeHost } from '@pallas/linux'
import { createAgentClient, parseHandle } from '@pallas/wire'
import { createCsr } from '@pallas/x509'
import { readFileSync } from 'node:fs'
import { placeProcess } from './pods.ts'

export interface Caller {
  readonly pod: Pod
  readonly mountDir: string
}

const TIMEOUT_MS = 20_000

/** Gets the pod a certificate: its first, or the next. */
export async function obtain(
  { pod, mountDir }: Caller,
  action: 'init' | 'refresh',
  procRoot: string,
  signal: AbortSignal,
): Promise<void> {
  placeProcess(procRoot, process.pid, pod)
  const { http, keys } = nodeHost()
  const to = { kind: 'unix', socketPath: `${mountDir}/connect/agent.sock` } as const
  const agent = createAgentClient({ http, to, timeoutMs: TIMEOUT_MS })
  const handle = parseHandle(readFileSync(`${mountDir}/id`, 'utf8'))
  const names = await agent.names(handle, signal)
  await agent[action](handle, await createCsr(names, await keys.generate()), signal)
}
