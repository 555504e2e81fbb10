/** New serving certificates while the API server keeps asking: no call fails (T27). */
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { eventually } from '@pallas/kubernetes/testing'
import { type Issued, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { asking, openWebhook, plainSpec, REVIEW_UID, reviewOf, type Webhook } from './testing/webhook.ts'

const NAMES = { commonName: 'initializer', ip: ['127.0.0.1'] }
const REVIEW = JSON.stringify(reviewOf({ metadata: asking, spec: plainSpec }))
const CLIENTS = 6

interface Answered {
  readonly serial: string
  readonly uid: unknown
}

/** One review over HTTPS, and the serial number of the certificate it was answered under. */
async function ask({ url }: Webhook, agent: Agent): Promise<Answered> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(REVIEW) }
  const call = httpsRequest(`${url}/mutate`, { method: 'POST', agent, headers })
  call.end(REVIEW)
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  const { serialNumber } = (answer.socket as TLSSocket).getPeerCertificate()
  const { response } = (await json(answer)) as { response?: { uid: unknown } }
  return { serial: serialNumber, uid: response?.uid }
}

/** Half of the clients connect for each call, half keep their connection, as API servers do. */
function load(webhook: Webhook, roots: readonly string[]) {
  const seen = { calls: 0, failures: [] as unknown[], serials: new Set<string>() }
  const stop = new AbortController()
  const client = async (keepAlive: boolean): Promise<void> => {
    const agent = new Agent({ keepAlive, ca: [...roots], maxCachedSessions: 0 })
    while (!stop.signal.aborted) {
      await ask(webhook, agent).then(
        ({ serial, uid }) => {
          seen.serials.add(serial)
          if (uid !== REVIEW_UID) seen.failures.push(uid)
        },
        (error: unknown) => seen.failures.push(error),
      )
      seen.calls++
    }
    agent.destroy()
  }
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index % 2 === 0))
  return Object.assign(seen, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(clients)
    },
  })
}

/** A directory as the kubelet mounts a Secret: a new version is made beside, and `..data` turned to it at once. */
async function secretVolume(first: Issued) {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  let version = 0
  const replace = async ({ keyPem, certPem }: Pick<Issued, 'keyPem' | 'certPem'>) => {
    const name = `..${++version}`
    await mkdir(join(dir, name))
    await writeFile(join(dir, name, 'tls.key'), keyPem, { mode: 0o600 })
    await writeFile(join(dir, name, 'tls.crt'), certPem)
    await symlink(name, join(dir, '..data_tmp'))
    await rename(join(dir, '..data_tmp'), join(dir, '..data'))
    if (version > 2) await rm(join(dir, `..${version - 2}`), { recursive: true })
  }
  await replace(first)
  for (const file of ['tls.key', 'tls.crt']) await symlink(`..data/${file}`, join(dir, file))
  return {
    keyFile: join(dir, 'tls.key'),
    certFile: join(dir, 'tls.crt'),
    replace,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Two files that are renamed into place one after the other: in between they do not belong together. */
async function plainFiles(first: Issued) {
  const dir = await mkdtemp(join(tmpdir(), 'pair-'))
  const [keyFile, certFile] = [join(dir, 'tls.key'), join(dir, 'tls.crt')]
  const replace = async ({ keyPem, certPem }: Pick<Issued, 'keyPem' | 'certPem'>) => {
    await put(certFile, certPem)
    await put(keyFile, keyPem)
  }
  await replace(first)
  return { keyFile, certFile, replace, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

const tlsWarnings = ({ memory }: Webhook): number =>
  memory.records.filter(({ msg }) => msg === 'new tls files cannot be used, keeping the old').length

test.each([
  ['as the kubelet does it', secretVolume],
  ['file by file', plainFiles],
])('a serving certificate that is replaced %s, again and again, under load and by a new authority: no call fails (T27)', async (_how, place) => {
  const [ca, nextCa] = [await TestCa.create(), await TestCa.create({ name: 'next' })]
  const first = await ca.issue(NAMES)
  await using files = await place(first)
  await using webhook = await openWebhook({ pair: { ca, keyFile: files.keyFile, certFile: files.certFile } })
  const probe = new Agent({ ca: [ca.certPem, nextCa.certPem], maxCachedSessions: 0 })
  const isServed = (serial: string) => eventually(async () => ((await ask(webhook, probe)).serial === serial ? true : undefined))

  // The bundle of the webhook's configuration names both authorities before the second signs anything.
  const running = load(webhook, [ca.certPem, nextCa.certPem])
  await using _load = running
  const serials = [first.serial]
  for (const authority of [ca, ca, nextCa, nextCa]) {
    const next = await authority.issue(NAMES)
    await files.replace(next)
    await isServed(next.serial)
    serials.push(next.serial)

    const warnings = tlsWarnings(webhook)
    const stranger = await authority.issue(NAMES)
    await files.replace({ keyPem: next.keyPem, certPem: stranger.certPem })
    await eventually(async () => (tlsWarnings(webhook) > warnings ? true : undefined))
    expect((await ask(webhook, probe)).serial).toBe(next.serial)
  }
  await running[Symbol.asyncDispose]()
  expect(running.failures).toEqual([])
  expect(running.calls).toBeGreaterThan(20)
  // Only what was ever a pair was served.
  expect([...running.serials].filter((serial) => !serials.includes(serial))).toEqual([])
}, 60_000)
