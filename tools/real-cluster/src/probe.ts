/** Sees whether a daemon works, and asks the API server as its administrator. */
import { readFileSync } from 'node:fs'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Probe } from './daemons.ts'
import type { Cluster } from './layout.ts'

const DEADLINE_MS = 5_000

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Never throws: what cannot be asked does not work yet. */
export async function works(probe: Probe, cluster: Cluster): Promise<boolean> {
  try {
    switch (probe.kind) {
      case 'http':
        return (await ask((done) => httpGet(probe.url, { agent: false, timeout: DEADLINE_MS }, done))).status === 200
      case 'admin':
        return (await askAsAdmin(cluster, probe.url)).status === 200
      case 'socket':
        return await connects(probe.path)
    }
  } catch {
    return false
  }
}

/** `url` is whole, or a path on the API server. */
export function askAsAdmin({ stateDirectory, apiServer }: Cluster, url: string): Promise<Answer> {
  const pki = (name: string): Buffer => readFileSync(join(stateDirectory, 'pki', name))
  const options = { ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key'), agent: false, timeout: DEADLINE_MS } as const
  return ask((done) => httpsGet(new URL(url, apiServer), options, done))
}

function ask(start: (done: (answer: IncomingMessage) => void) => ReturnType<typeof httpGet>): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = start((answer) => {
    let body = ''
    answer.setEncoding('utf8').on('data', (text: string) => (body += text))
    answer.on('error', reject).on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
  })
  const late = setTimeout(() => request.destroy(new Error('no answer in time')), DEADLINE_MS)
  request.on('error', reject).on('close', () => clearTimeout(late))
  return promise
}

function connects(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ path })
  const end = (answer: boolean) => (socket.destroy(), resolve(answer))
  socket.setTimeout(DEADLINE_MS, () => end(false)).on('connect', () => end(true)).on('error', () => end(false))
  return promise
}
