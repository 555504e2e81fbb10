/** Verifications: the real callback, asked as ZTS asks but over kept connections, each time about a new document. */
import { randomUUID, sign, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOCUMENT_AUDIENCE, type DocumentClaims, formatSubject, type Pod } from '@pallas/identity'
import { PROVIDER, SIGNING_KEY } from '@pallas/sandbox'
import { type Figure, spread, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { type BenchCluster, openCluster } from '../cluster.ts'
import type { Plan } from '../load/load.ts'
import { perCore, perSecond, runLoad, utilisation } from '../load/run-load.ts'
import { pinned, SERVER_CORE } from '../pin.ts'
import { addPod } from '../pods.ts'
import { profiledServer } from '../profile/server.ts'

export const confirmationsBench: Bench = {
  name: 'confirmations',
  doc: 'documents that the callback verifies and confirms per second of its processor time, over kept mutual TLS',
  run: runConfirmations,
  profile: async (context) => {
    await using it = await openCluster(context)
    const pod = await addPod(it, 1)
    const bodies = bodiesFor(it, pod, 3_000)
    const work = (pid: number) =>
      runLoad({ ...planFor(it, pid), bodies, forMs: 5_000 }, { ...context, anyCore: true })
    return await profiledServer({ it, name: 'callback', entry: 'callback', work }, context)
  },
}

async function runConfirmations(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick } = context
  await using it = await openCluster(context)
  const pod = await addPod(it, 1)
  const server = await it.replace('callback', pinned(await bundle('callback', dir), SERVER_CORE))
  const [forMs, count] = quick ? [1_500, 3_000] : [10_000, 30_000]
  const plan = { ...planFor(it, server.pid), forMs, bodies: bodiesFor(it, pod, count) }
  const outcome = await runLoad(plan, { ...context, anyCore: true })
  return [
    value('confirmations: verifications per second of processor time', perCore(outcome), {
      unit: '1/s',
      n: outcome.waits.length,
      line: 'verifications',
      notes: [`${utilisation(outcome)}; each also asks the API server for the pod and writes a Lease for its single use`],
    }),
    value('confirmations: verifications per second seen', perSecond(outcome), {
      unit: '1/s',
      n: outcome.waits.length,
    }),
    spread('confirmations: one verification when full', outcome.waits, { unit: 'ms' }),
  ]
}

function planFor({ cluster }: BenchCluster, pid: number): Plan {
  const { pki, ports } = cluster
  const { keyPem: key, certPem: cert } = pki.ztsServer
  const at = { host: '127.0.0.1', port: ports.callback, path: '/instance' }
  const target = { ...at, ca: pki.athenzCa.chainPem, key, cert, maxVersion: 'TLSv1.2' as const }
  return { target, bodies: [], once: true, connections: 32, warmUpMs: 1_000, forMs: 1_000, pid }
}

function bodiesFor({ cluster }: BenchCluster, pod: Pod, count: number): string[] {
  const keyId = `${SIGNING_KEY}.v1`
  const key = createPrivateKey(readFileSync(join(cluster.pki.signing.privateDir, keyId), 'utf8'))
  const issuer = `secret:${SIGNING_KEY}?version=v1`
  const header = segment({ alg: 'ES256', typ: 'JWT', kid: keyId, iss: issuer })
  const sub = formatSubject({ namespace: pod.namespace, name: pod.name, domain: 'shop', service: 'web', ip: pod.ip })
  const iat = Math.floor(Date.now() / 1_000)
  const times = { iat, nbf: iat, exp: iat + 300 }
  const common = { aud: DOCUMENT_AUDIENCE, iss: issuer, sub, node: pod.node, uid: pod.uid, ...times } as const
  return Array.from({ length: count }, () => {
    const claims: DocumentClaims = { ...common, jti: randomUUID() }
    const signed = `${header}.${segment(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
    return JSON.stringify(confirmation(pod, `${signed}.${signature.toString('base64url')}`))
  })
}

const segment = (it: object): string => Buffer.from(JSON.stringify(it)).toString('base64url')

/** What a ZTS says of a pod with exactly the names that are due to it. */
const confirmation = ({ uid, ip }: Pod, attestationData: string): object => ({
  provider: PROVIDER,
  domain: 'shop',
  service: 'web',
  attestationData,
  attributes: {
    instanceId: uid,
    clientIP: '10.9.8.7',
    sanDNS: `web.shop.svc.cluster.local,${uid}.instanceid.athenz.svc.cluster.local`,
    sanIP: ip,
    sanURI: 'spiffe://shop/sa/web',
  },
})
