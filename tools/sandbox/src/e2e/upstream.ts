/** The way of a document by hand: asked of the JWT service as an agent would, shown to the callback as ZTS would. */
import { readFileSync } from 'node:fs'
import { type Answer, overSocket, overTls } from '@pallas/suite'
import { jwtRequest, parseJwtAnswer } from '@pallas/wire'
import type { CsrNames } from '@pallas/x509'
import type { Cluster } from '../cluster.ts'
import type { PodObject } from '../kubelet/objects.ts'
import { ADMIN_DOMAIN, ADMIN_NAMESPACE, DNS_SUFFIX, PROVIDER } from '../names.ts'
import { handleOf, podIp } from '../pod-control.ts'
import { pairOfAgent as filesOfAgent } from '../programs.ts'
import { cgroupOf, placeHere, socketOf } from './callers.ts'

export interface Pair {
  readonly keyPem: string
  readonly certPem: string
}

const read = (path: string) => readFileSync(path, 'utf8')

export function pairOfAgent({ context }: Pick<Cluster, 'context'>): Pair {
  const { keyFile, certFile } = filesOfAgent(context)
  return { keyPem: read(keyFile), certPem: read(certFile) }
}

/** The names that the agent says are the pod's. */
export async function namesOf(cluster: Cluster, pod: PodObject): Promise<CsrNames> {
  const handle = await handleOf(cluster, pod)
  using _here = placeHere(cluster, cgroupOf(pod))
  return (await overSocket(socketOf(cluster, handle), 'GET', `/v1/names/${handle}`)).body as unknown as CsrNames
}

export interface Asking {
  readonly pair: Pair | undefined
  /** By default that of the first replica. */
  readonly port?: number
  readonly path?: string
}

/** What an agent asks of the JWT service for a pod that runs as `shop.web`. */
export function askDocumentFor(cluster: Cluster, pod: PodObject, { pair, port = cluster.ports.jwtService }: Asking): Promise<Answer> {
  const { namespace, name, uid } = pod.metadata
  const subject = { namespace, name, uid, domain: 'shop', service: 'web', ip: podIp(pod) }
  const serverName = `athenz-jwt-service.${ADMIN_NAMESPACE}.${DNS_SUFFIX}`
  const caller = { ca: cluster.pki.athenzCa.chainPem, serverName, ...(pair === undefined ? {} : { pair }) }
  return overTls(`https://127.0.0.1:${port}/v1/jwt`, caller, jwtRequest(subject))
}

export const documentFor = async (cluster: Cluster, pod: PodObject, port?: number): Promise<string> =>
  parseJwtAnswer((await askDocumentFor(cluster, pod, { pair: pairOfAgent(cluster), ...(port === undefined ? {} : { port }) })).text)

interface Launch {
  readonly pod: PodObject
  readonly names: CsrNames
  readonly document: string | null
}

/** What ZTS says to the callback when that pod is to be launched with this document. */
export function confirm(cluster: Cluster, { pod, names, document }: Launch, asking: Asking): Promise<Answer> {
  const { pair, port = cluster.ports.callback, path = '/instance' } = asking
  const { uid } = pod.metadata
  const attributes = { instanceId: uid, sanDNS: names.dns.join(), sanIP: names.ip.join(), sanURI: names.uri.join(), clientIP: '127.0.0.1' }
  const body = { provider: PROVIDER, domain: 'shop', service: 'web', attestationData: document, attributes }
  const caller = { ca: cluster.pki.athenzCa.chainPem, ...(pair === undefined ? {} : { pair }) }
  return overTls(`https://127.0.0.1:${port}${path}`, caller, body)
}

/** ZTS asks this replica from now on, as when the address of the service leads elsewhere. */
export function moveProvider({ world, ports }: Cluster, to: 'callback' | 'callback-2'): void {
  const provider = world.domains[ADMIN_DOMAIN]?.services['athenz-callback']
  if (provider === undefined) throw new Error('Athenz knows no callback')
  provider.providerEndpoint = `https://127.0.0.1:${to === 'callback' ? ports.callback : ports.callback2}`
}
