/** The client that follows from a program's settings. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '@pallas/runtime'
import { createKubeApi, type KubeApi, type KubeApiOptions } from './api.ts'
import { fileToken } from './token.ts'

export interface ApiSettings {
  readonly apiServer: string
  readonly apiCa: string
  readonly apiTokenFile: string
}

/** Reads the roots now; rejects with what `readFile` says when they cannot be read. */
export async function openKubeApi(
  { apiServer, apiCa, apiTokenFile }: ApiSettings,
  { clock, ...options }: { readonly clock: Clock } & Pick<KubeApiOptions, 'timeoutMs' | 'onServerTime'>,
): Promise<KubeApi & AsyncDisposable> {
  return createKubeApi({
    server: new URL(apiServer),
    ca: await readFile(apiCa, 'utf8'),
    token: fileToken({ path: apiTokenFile, clock }),
    ...options,
  })
}
