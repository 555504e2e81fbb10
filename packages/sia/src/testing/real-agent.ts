/** A directory of its own with what a pod finds in its volume: an id, and an agent behind a real socket. */
import { TestCa } from '@pallas/x509/testing'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveUnix } from './serve.ts'
import { HANDLE, TestAgent } from './test-agent.ts'

export interface RealAgent extends AsyncDisposable {
  readonly root: string
  readonly ca: TestCa
  readonly agent: TestAgent
  /** Flags that find all of it and write below `root`. */
  readonly argv: readonly string[]
}

export async function openRealAgent({ lifeMs }: { readonly lifeMs?: number | undefined } = {}): Promise<RealAgent> {
  await using scope = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'sia-'))
  scope.defer(() => rm(root, { recursive: true }))
  const ca = await TestCa.create()
  const agent = new TestAgent({ ca, now: () => Date.now(), ...(lifeMs === undefined ? {} : { lifeMs }) })
  scope.use(await serveUnix(agent.handler, `${root}/agent.sock`))
  await writeFile(`${root}/id`, HANDLE)
  const argv = [
    `--id-file=${root}/id`,
    `--endpoint=unix://${root}/agent.sock`,
    ...['key', 'cert'].map((name) => `--out-${name}=${root}/tls/service.${name}`),
    `--out-ca-cert=${root}/tls/cacert.pem`,
    `--out-ntoken=${root}/tokens/ntoken`,
  ]
  const parts = scope.move()
  return { root, ca, agent, argv, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
