/** The real JWT service, in a process of its own, for the pods and with the files of a callback's world. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { tlsDirectory } from '@pallas/service/testing'
import type { KeyPair } from './documents.ts'
import type { World } from './world.ts'
import { ask, type Answer } from './zts-like.ts'

export interface JwtServiceProcess extends AsyncDisposable {
  readonly url: string
  /** The names of keys that it said it signs with, newest last. */
  readonly signedWith: readonly string[]
  /** Puts a private key in place; without one takes it away. */
  putKey(keyId: string, key?: KeyPair): Promise<void>
}

const MAIN = fileURLToPath(new URL('../../../jwt-service/src/main.ts', import.meta.url))

export async function startJwtService({ dir, api, services }: World, keyId: string, key: KeyPair): Promise<JwtServiceProcess> {
  await using scope = new AsyncDisposableStack()
  const at = (name: string) => join(dir, name)
  await mkdir(at('private'))
  const putKey: JwtServiceProcess['putKey'] = (id, pair) =>
    pair === undefined
      ? rm(at(`private/${id}`))
      : writeFile(at(`private/${id}`), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await putKey(keyId, key)
  await writeFile(at('signer-token'), api.tokenFor('signer'))
  const own = { commonName: 'k8s.admin.athenz-jwt-service', dns: ['localhost'], ip: ['127.0.0.1'] }
  const tls = scope.use(await tlsDirectory(services, own))
  const places = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--api-server', api.url]
  const files = ['--api-ca', at('api-ca.pem'), '--api-token-file', at('signer-token'), '--config', at('config.yaml')]
  const keys = ['--key', tls.keyFile, '--cert', tls.certFile, '--sign-key-dir', at('private')]
  const child = spawn(process.execPath, [MAIN, ...places, ...files, ...keys], { stdio: ['ignore', 'pipe', 'inherit'] })
  scope.defer(() => end(child))
  const signedWith: string[] = []
  const url = await listening(child, signedWith)
  const parts = scope.move()
  return { url, signedWith, putKey, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** Resolves with the address of its first listener, which is that for agents. */
function listening({ stdout }: { readonly stdout: Readable }, signedWith: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const lines = createInterface({ input: stdout })
  lines.on('line', (line) => {
    const { msg = '', keyId } = JSON.parse(line) as { msg?: string; keyId?: string }
    const [, url] = /^listening on (https:.*)$/.exec(msg) ?? []
    if (url !== undefined) resolve(url)
    if (msg === 'signing key loaded' && keyId !== undefined) signedWith.push(keyId)
  })
  lines.once('close', () => reject(new Error('the jwt service ended')))
  return promise
}

async function end(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** The answer to the agent of the pod's node that asks for its document. */
export async function askForDocument({ url }: JwtServiceProcess, { pod, services }: World): Promise<Answer> {
  const pair = await services.issue({ commonName: 'k8s.admin.athenz-identity-agent', dns: [pod.node] })
  const subject = { ID: `${pod.namespace}/${pod.name}`, Domain: 'media.on-air', Service: 'web', IP: pod.ip, UID: pod.uid }
  const how = { url, ca: services.certPem, pair, maxVersion: 'TLSv1.3', checkServerIdentity: () => undefined } as const
  return ask('/v1/jwt', { subject }, how)
}
