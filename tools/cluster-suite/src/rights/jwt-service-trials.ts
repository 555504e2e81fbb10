/** The JWT service, asked by the test in the agent's stead: each replica for itself. */
import { instanceDnsName } from '@pallas/identity'
import { type Answer, eventually, overTls, podIpOf, type World } from '@pallas/suite'
import { JWT_ROUTES, jwtRequest } from '@pallas/wire'
import { TestCa } from '@pallas/x509/testing'
import { AGENT, DNS_SUFFIX, PORT, ZTS } from '../world/names.ts'
import type { Replica } from '../world/replicas.ts'
import { metricOf, readyReplica, replaceOne } from './replicas.ts'
import type { Scene, Trials } from './trial.ts'

const SIGNED = 'athenz_jwt_service_documents_signed_total'

export const jwtServiceTrials: Trials = {
  async 'get pods'(scene) {
    const replica = await readyReplica('jwt-service')
    // Without a UID nothing that was seen before can be meant.
    const ask = () => askFor(scene, replica, { withUid: false })
    await answered(scene.it, ask, 'API_UNAVAILABLE')
    return () => answered(scene.it, ask, undefined)
  },

  async 'list pods'(scene) {
    const { uid } = await replaceOne('jwt-service')
    const replica = await readyReplica('jwt-service', uid)
    const ask = () => askFor(scene, replica, { withUid: true })
    await answered(scene.it, ask, 'API_UNAVAILABLE')
    return async () => {
      await answered(scene.it, ask, undefined)
      await untilSeen(scene, replica, 'watch')
    }
  },

  async 'watch pods'(scene) {
    const replica = await readyReplica('jwt-service')
    await untilSeen(scene, replica, 'live')
    return () => untilSeen(scene, replica, 'watch')
  },
}

const untilSeen = (scene: Scene, replica: Replica, where: 'live' | 'watch'): Promise<true> =>
  eventually(`documents of pods that are seen ${where}`, async () => (await whereSeen(scene, replica)) === where || undefined, scene.it.deadlineMs)

/** `code` undefined: a document. */
const answered = ({ deadlineMs }: Pick<World, 'deadlineMs'>, ask: () => Promise<Answer>, code: string | undefined): Promise<true> =>
  eventually(
    code ?? 'a document',
    async () => {
      const { status, body } = await ask()
      return (code === undefined ? status === 200 && typeof body['jwt'] === 'string' : body['code'] === code) || undefined
    },
    deadlineMs,
  )

/** By the replica's own count of what it signs. */
async function whereSeen(scene: Scene, replica: Replica): Promise<'live' | 'watch' | undefined> {
  const count = () => Promise.all((['live', 'watch'] as const).map((where) => metricOf(replica, SIGNED, `seen="${where}"`)))
  const [live = 0, watch = 0] = await count()
  const { status } = await askFor(scene, replica, { withUid: true })
  const [liveNow = 0, watchNow = 0] = await count()
  if (status !== 200 || liveNow + watchNow !== live + watch + 1) return undefined
  return liveNow > live ? 'live' : 'watch'
}

async function askFor({ it, web, material }: Scene, { ip }: Replica, { withUid }: { readonly withUid: boolean }): Promise<Answer> {
  const agent = await readyReplica('identity-agent')
  const { certPem, keyPem } = await authorityOf(material.secrets[ZTS]).issue({ commonName: AGENT, dns: [instanceDnsName(agent.uid, DNS_SUFFIX)] })
  const { namespace, name, uid } = web.metadata
  const asked = jwtRequest({ namespace, name, domain: 'shop', service: 'web', ip: podIpOf(web), uid: withUid ? uid : undefined })
  return overTls(`https://${ip}:${PORT}${JWT_ROUTES.jwt}`, { ca: it.athenz.caPem, pair: { certPem, keyPem } }, asked)
}

const authorityOf = (files: Readonly<Record<string, string>>): TestCa => TestCa.open({ certPem: files['ca.pem'] ?? '', keyPem: files['ca.key'] ?? '' })
