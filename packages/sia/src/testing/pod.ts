/** A pod on a machine in memory: the identity volume, an agent behind its socket, and a log to read. */
import { HostError, type Keys } from '@pallas/host'
import { MemoryMachine, type MemoryHost } from '@pallas/host/testing'
import { nodeKey, nodeKeyOf, nodeVerify, TestCa } from '@pallas/x509/testing'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { createLog } from '../log.ts'
import { HANDLE, TestAgent } from './test-agent.ts'
import { TestZts } from './test-zts.ts'

export const SOCKET = '/identity/connect/agent.sock'
export const START = '2030-01-01T00:00:00Z'

export const askZts = ['--zts-endpoint=https://zts.example:4443/zts/v1', '--server-ca-cert=/etc/athenz/ca.pem']

export interface Pod {
  readonly host: MemoryHost
  readonly agent: TestAgent
  readonly ca: TestCa
  /** The clock of agent and ZTS; that of the machine unless a test sets another. */
  readonly issuer: { now: () => number }
  /** Reached with what `askZts` says. */
  readonly zts: TestZts
  readonly log: ReturnType<typeof createLog>
  /** Parsed lines. */
  readonly lines: Record<string, unknown>[]
  /** How many lines carry this message. */
  said(message: string): number
  read(path: string): Promise<string>
}

export async function openPod({ lifeMs }: { readonly lifeMs?: number } = {}): Promise<Pod> {
  const host = new MemoryMachine({ keys: promptKeys, start: START }).open()
  const ca = await TestCa.create({ now: host.clock.now() })
  const issuer = { now: () => host.clock.now() }
  const agent = new TestAgent({ ca, now: () => issuer.now(), ...(lifeMs === undefined ? {} : { lifeMs }) })
  const zts = new TestZts({ ca, now: () => issuer.now() })
  host.machine.peers.set('tls:zts.example:4443', (request) => zts.handler(request))
  await host.files.mkdirs('/etc/athenz', 0o755)
  await host.files.create('/etc/athenz/ca.pem', bytes(ca.chainPem), 0o644)
  host.machine.peers.set(`unix:${SOCKET}`, (request) => agent.handler(request))
  await host.files.mkdirs('/identity/connect', 0o755)
  await host.files.create('/identity/id', bytes(HANDLE), 0o444)
  host.machine.place(SOCKET, { kind: 'socket' })
  await host.files.mkdirs('/tls', 0o777)
  await host.files.mkdirs('/tokens', 0o777)
  const lines: Record<string, unknown>[] = []
  const out = (text: string) => void lines.push(JSON.parse(text))
  const log = createLog('test', 'debug', host.clock, { out })
  const read = async (path: string) => new TextDecoder().decode(await host.files.read(path, 1_000_000))
  host.faults.reset()
  const said = (message: string) => lines.filter(({ msg }) => msg === message).length
  return { host, agent, ca, issuer, zts, log, lines, said, read }
}

const unused = (): never => {
  throw new Error('not needed here')
}

/** Real keys that take no turn of the event loop, so that a fake clock never overtakes them. */
export const promptKeys: Keys = {
  generate: async () => nodeKey(),
  import: async (pem) => {
    try {
      return nodeKeyOf(createPrivateKey(pem))
    } catch {
      throw new HostError('HOST_BAD_KEY', 'not a key')
    }
  },
  verify: nodeVerify,
  sha256: unused,
  hmacSha256: unused,
  randomBytes: (length) => randomBytes(length),
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
