/** The initializer as a process of its own, so that its memory can be told from that of the test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CONFIG_MAPS, pathOf } from '@pallas/kubernetes'
import { loopbackCredentials, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { tlsDirectory } from '@pallas/service/testing'
import { initConfig } from './init-config.ts'

const HOME = { namespace: 'k8s-admin', name: 'athenz-initializer' }

/** As in its container of so much memory: a heap of half of that. */
export async function openOwnProcess({ limitMiB }: { readonly limitMiB: number }) {
  await using scope = new AsyncDisposableStack()
  const serverCredentials = await loopbackCredentials()
  const rule = { users: ['initializer'], verbs: ['get'], apiGroups: [''], resources: ['configmaps'], namespaces: [HOME.namespace] }
  const world = { users: { initializer: {} }, rules: [rule], namespaces: [HOME.namespace] }
  const api = scope.use(await startEmbeddedApiServer({ serverCredentials, world }))
  await api.client('admin').create(pathOf(CONFIG_MAPS, { namespace: HOME.namespace }), { metadata: HOME, data: { 'init-config': initConfig() } })
  const files = scope.use(await tlsDirectory(serverCredentials.ca, { commonName: 'initializer', ip: ['127.0.0.1'] }))
  const token = join(files.dir, 'token')
  await writeFile(token, api.tokenFor('initializer'))

  const flags = [`--key=${files.keyFile}`, `--cert=${files.certFile}`, '--listen=127.0.0.1:0', '--admin-listen=127.0.0.1:0', '--drain=0s']
  const places = [`--api-server=${api.url}`, `--api-ca=${files.caFile}`, `--api-token-file=${token}`, `--config-namespace=${HOME.namespace}`]
  const main = new URL('../main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [`--max-old-space-size=${limitMiB / 2}`, main, ...flags, ...places], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  scope.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface({ input: child.stdout })
  const listening = Promise.withResolvers<string>()
  lines.on('line', (line) => {
    const { msg } = JSON.parse(line) as { readonly msg?: string }
    const url = /listening on (https:\S+)/.exec(msg ?? '')?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  void ended.then(() => listening.reject(new Error('it ended before it listened')))
  const url = await listening.promise
  /** The most that it ever held. */
  const peakMiB = async (): Promise<number> => Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
  const parts = scope.move()
  return { url, caPem: serverCredentials.caPem, peakMiB, isRunning: () => child.exitCode === null && child.signalCode === null, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
