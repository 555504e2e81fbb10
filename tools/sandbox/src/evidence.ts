/**
 * What a sandbox leaves for others to look at, below one directory: `endpoints.json`, `ca.pem`, `credentials/` and
 * `pods/<namespace>/<pod>/{service.key,service.cert,cacert.pem,ntoken}` as the pods saw them; of a pod with a role, its files.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readWebhookRoots } from '@pallas/kubernetes'
import type { Cluster } from './cluster.ts'
import { credentialsOf, type Demo } from './demo.ts'
import type { PodObject } from './kubelet/objects.ts'
import { driverFiles } from './driver.ts'
import { ACCOUNTS, ADMIN_NAMESPACE, ADMIN_USER, DNS_SUFFIX, WEBHOOK, WEBHOOK_NAME } from './names.ts'
import { volumePath } from './pod-control.ts'
import { adminUrl, controlIdentity, pairOfAgent } from './programs.ts'
import { roleFiles } from './role-story.ts'

/** Fills `dir`, an absolute path; returns the path of endpoints.json. */
export async function writeEvidence(cluster: Cluster, { pods, reader }: Pick<Demo, 'pods' | 'reader'>, dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'ca.pem'), cluster.pki.athenzCa.chainPem)
  for (const pod of pods) copyCredentials(cluster, pod, join(dir, 'pods', pod.metadata.namespace, pod.metadata.name))
  copyRole(cluster, reader, join(dir, 'pods', reader.metadata.namespace, reader.metadata.name))
  const path = join(dir, 'endpoints.json')
  writeFileSync(path, `${JSON.stringify(await endpointsOf(cluster, pods, dir), null, 2)}\n`)
  return path
}

/** Each directory through its `..data`, so that what is copied is of one generation; modes are kept. */
function copyCredentials(cluster: Cluster, pod: PodObject, target: string): void {
  mkdirSync(target, { recursive: true })
  const { tls, tokens } = credentialsOf(cluster, pod)
  const copy = (dir: string, name: string) => copyWithMode(join(dir, readlinkSync(join(dir, '..data')), name), join(target, name))
  for (const name of ['service.key', 'service.cert', 'cacert.pem']) copy(tls, name)
  copy(tokens, 'ntoken')
}

function copyRole(cluster: Cluster, pod: PodObject, target: string): void {
  mkdirSync(target, { recursive: true })
  const { dir, names } = roleFiles(cluster, pod)
  for (const name of names) copyWithMode(join(dir, name), join(target, name))
}

function copyWithMode(from: string, to: string): string {
  copyFileSync(from, to)
  chmodSync(to, statSync(from).mode & 0o777)
  return to
}

const tls = (port: number): string => `https://127.0.0.1:${port}`

/** A party: where it is, whom to trust, and what to show it. `serverName` is what its certificate says, dialled by address. */
async function endpointsOf(cluster: Cluster, pods: readonly PodObject[], dir: string): Promise<object> {
  const { ports, pki, api, zts, node, state, context } = cluster
  const credentials = join(dir, 'credentials')
  mkdirSync(credentials, { recursive: true, mode: 0o700 })
  const text = (name: string, content: string, mode = 0o600): string => {
    const path = join(credentials, name)
    writeFileSync(path, content, { mode })
    return path
  }
  const file = (path: string, as = basename(path)): string => copyWithMode(path, join(credentials, as))
  const identity = (account: 'athenz-callback' | 'athenz-jwt-service') => {
    const { key, cert } = controlIdentity(context, account)
    return { key: file(key, `${account}.key`), cert: file(cert, `${account}.cert`) }
  }
  const kubernetesCa = text('kubernetes-ca.pem', pki.kubernetesCa.chainPem, 0o644)
  const athenzCa = text('athenz-ca.pem', pki.athenzCa.chainPem, 0o644)
  const ztsCa = text('zts-ca.pem', pki.ztsCa.chainPem, 0o644)
  const webhookCa = text('webhook-ca.pem', await webhookRoots(cluster), 0o644)
  const { keyFile, certFile } = pairOfAgent(context)
  const agent = { key: file(keyFile, 'agent.key'), cert: file(certFile, 'agent.cert') }
  const ztsClient = { key: text('zts.key', pki.ztsServer.keyPem), cert: text('zts.cert', pki.ztsServer.certPem, 0o644) }
  const tokens = Object.fromEntries(ACCOUNTS.map((account) => [account, file(context.tokenFile(account))]))
  const asProvider = identity('athenz-callback')
  return {
    zts: { url: zts.url.href, ca: ztsCa, client: asProvider },
    apiServer: { url: api.url, ca: kubernetesCa, token: text('admin.token', api.tokenFor(ADMIN_USER)), tokens },
    kubelet: { url: `${node.podsUrl}/pods`, ca: kubernetesCa, token: tokens['athenz-identity-agent'] },
    jwtService: {
      url: `${tls(ports.jwtService)}/v1`,
      serverName: serviceName('athenz-jwt-service'),
      ca: athenzCa,
      client: agent,
      admin: adminUrl(ports.jwtServiceAdmin),
    },
    callback: {
      url: tls(ports.callback),
      serverName: serviceName('athenz-callback'),
      ca: athenzCa,
      client: ztsClient,
      admin: adminUrl(ports.callbackAdmin),
    },
    initializer: { url: `${tls(ports.initializer)}/mutate`, serverName: WEBHOOK_NAME, ca: webhookCa, admin: adminUrl(ports.initializerAdmin) },
    identityAgent: { admin: adminUrl(ports.agentAdmin), volumes: state.volumes },
    volumeDriver: { executable: driverFiles(state).target, settings: state.driverSettings },
    sia: { pods: pods.map((pod) => podEntry(cluster, pod, dir)) },
    controlSia: { 'athenz-callback': asProvider, 'athenz-jwt-service': identity('athenz-jwt-service') },
    logs: state.logs,
  }
}

/** As the API server sees them. */
const webhookRoots = async ({ admin }: Cluster): Promise<string> => (await readWebhookRoots(admin, WEBHOOK))?.bundles.join('') ?? ''

const serviceName = (account: string): string => `${account}.${ADMIN_NAMESPACE}.${DNS_SUFFIX}`

/** Where a pod's SIA meets the agent, and what came of it. */
function podEntry(cluster: Cluster, pod: PodObject, dir: string): object {
  const { namespace, name } = pod.metadata
  const handle = readFileSync(join(volumePath(cluster, pod, 'sia-identity'), 'id'), 'utf8')
  const socket = join(cluster.state.volumes, handle, 'mount/connect/agent.sock')
  return { pod: `${namespace}/${name}`, handle, socket, files: join(dir, 'pods', namespace, name) }
}
