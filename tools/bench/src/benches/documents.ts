/** Document signatures: the real JWT service, asked by an agent that keeps its connections; ES256 beside RS256. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '@pallas/identity'
import { SIGNING_KEY } from '@pallas/sandbox'
import { type Figure, medianOf, spread, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { type BenchCluster, openCluster } from '../cluster.ts'
import type { Outcome, Plan } from '../load/load.ts'
import { perCore, perSecond, runLoad, utilisation } from '../load/run-load.ts'
import { pinned, SERVER_CORE } from '../pin.ts'
import { addPod } from '../pods.ts'
import { profiledServer } from '../profile/server.ts'

export const documentsBench: Bench = {
  name: 'documents',
  doc: 'documents that the JWT service signs per second of its processor time, over kept mutual TLS; ES256, RS256',
  run: runDocuments,
  profile: async (context) => {
    await using it = await openCluster(context)
    const pod = await addPod(it, 1)
    const work = (pid: number) => runLoad({ ...planFor(it, pod, pid), forMs: 5_000 }, { ...context, anyCore: true })
    return await profiledServer({ it, name: 'jwt-service', entry: 'jwtService', work }, context)
  },
}

async function runDocuments(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick, signal } = context
  await using it = await openCluster(context)
  const pod = await addPod(it, 1)
  const command = pinned(await bundle('jwtService', dir), SERVER_CORE)
  const keys = { ES256: it.cluster.pki.signing.privateDir, RS256: rsaKeys(dir) }
  const outcomes = { ES256: [] as Outcome[], RS256: [] as Outcome[] }
  for (let round = 0; round < (quick ? 1 : 4); round++) {
    for (const algorithm of ['ES256', 'RS256'] as const) {
      signal.throwIfAborted()
      const server = await it.replace('jwt-service', command, { '--sign-key-dir': keys[algorithm] })
      const plan = { ...planFor(it, pod, server.pid), forMs: quick ? 1_500 : 8_000 }
      outcomes[algorithm].push(await runLoad(plan, { ...context, anyCore: true }))
    }
  }
  const rates = { ES256: outcomes.ES256.map(perCore), RS256: outcomes.RS256.map(perCore) }
  const last = outcomes.ES256.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  return [
    value('documents: ES256 signatures per second of processor time', medianOf(rates.ES256), {
      unit: '1/s',
      n: countOf(outcomes.ES256),
      line: 'signatures',
      notes: [`${utilisation(last)}; the pod is seen in the watch, and no request asks the API server`],
    }),
    value('documents: RS256 signatures per second of processor time', medianOf(rates.RS256), {
      unit: '1/s',
      n: countOf(outcomes.RS256),
    }),
    value('documents: ES256 ÷ RS256', medianOf(rates.ES256) / medianOf(rates.RS256), { unit: '×' }),
    value('documents: ES256 signatures per second seen', perSecond(last), { unit: '1/s', n: last.waits.length }),
    spread('documents: one ES256 signature when full', last.waits, { unit: 'ms' }),
  ]
}

const countOf = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, { waits }) => sum + waits.length, 0)

function rsaKeys(dir: string): string {
  const keys = join(dir, 'rsa-keys')
  mkdirSync(keys, { mode: 0o700 })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
  writeFileSync(join(keys, `${SIGNING_KEY}.v1`), pem, { mode: 0o600 })
  return keys
}

function planFor({ cluster }: BenchCluster, pod: Pod, pid: number): Plan {
  const { pki, ports } = cluster
  const pair = { key: readFileSync(pki.agent.keyFile, 'utf8'), cert: readFileSync(pki.agent.certFile, 'utf8') }
  const target = { host: '127.0.0.1', port: ports.jwtService, path: '/v1/jwt', ca: pki.athenzCa.chainPem, ...pair }
  const subject = { ID: `${pod.namespace}/${pod.name}`, Domain: 'shop', Service: 'web', IP: pod.ip, UID: pod.uid }
  const bodies = [JSON.stringify({ subject })]
  return { target, bodies, once: false, connections: 32, warmUpMs: 1_500, forMs: 1_000, pid }
}
