/**
 * What a sandbox leaves for others to look at, below one directory: `endpoints.json`, `ca.pem`, `credentials/` and
 * `pods/<namespace>/<pod>/{service.key,service.cert,cacert.pem,ntoken}` as the pods saw them.
 */
import { chmodSync, copyFileSync, mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Cluster } from './cluster.ts'
import { credentialsOf } from './demo.ts'
import type { PodObject } from './kubelet/objects.ts'
import { ACCOUNTS, ADMIN_USER } from './names.ts'
import { adminUrl, controlIdentity } from './programs.ts'

/** Fills `out`, which is made if need be; returns the path of endpoints.json. */
export function writeEvidence(cluster: Cluster, pods: readonly PodObject[], out: string): string {
  const dir = resolve(out)
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'ca.pem'), cluster.pki.athenzCa.chainPem)
  for (const pod of pods) copyCredentials(cluster, pod, join(dir, 'pods', pod.metadata.namespace, pod.metadata.name))
  const path = join(dir, 'endpoints.json')
  writeFileSync(path, `${JSON.stringify(endpointsOf(cluster, join(dir, 'credentials')), null, 2)}\n`)
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

function copyWithMode(from: string, to: string): string {
  copyFileSync(from, to)
  chmodSync(to, statSync(from).mode & 0o777)
  return to
}

const tls = (port: number): string => `https://127.0.0.1:${port}`

function endpointsOf(cluster: Cluster, credentials: string): object {
  const { ports, pki, api, zts, node, state, context } = cluster
  mkdirSync(credentials, { recursive: true, mode: 0o700 })
  const text = (name: string, content: string, mode = 0o600): string => {
    const path = join(credentials, name)
    writeFileSync(path, content, { mode })
    return path
  }
  const file = (path: string, as = basename(path)): string => copyWithMode(path, join(credentials, as))
  const kubernetesCa = text('kubernetes-ca.pem', pki.kubernetesCa.chainPem, 0o644)
  const athenzCa = text('athenz-ca.pem', pki.athenzCa.chainPem, 0o644)
  const agent = { key: file(pki.agent.keyFile), cert: file(pki.agent.certFile) }
  const callback = controlIdentity(context, 'athenz-callback')
  return {
    zts: { url: zts.url.href, ca: text('zts-ca.pem', pki.ztsCa.chainPem, 0o644), client: { key: file(callback.key, 'callback.key'), cert: file(callback.cert, 'callback.cert') } },
    apiServer: { url: api.url, ca: kubernetesCa, token: text('admin.token', api.tokenFor(ADMIN_USER)), tokens: Object.fromEntries(ACCOUNTS.map((account) => [account, file(context.tokenFile(account))])) },
    kubelet: { url: node.podsUrl, ca: kubernetesCa },
    jwtService: { url: `${tls(ports.jwtService)}/v1`, serverName: 'athenz-jwt-service.k8s-admin.svc.cluster.local', ca: athenzCa, client: agent, admin: adminUrl(ports.jwtServiceAdmin) },
    callback: { url: tls(ports.callback), ca: athenzCa, client: { key: text('zts.key', pki.ztsServer.keyPem), cert: text('zts.cert', pki.ztsServer.certPem, 0o644) }, admin: adminUrl(ports.callbackAdmin) },
    initializer: { url: `${tls(ports.initializer)}/mutate`, ca: kubernetesCa, admin: adminUrl(ports.initializerAdmin) },
    identityAgent: { admin: adminUrl(ports.agentAdmin), volumes: state.volumes, sockets: `${state.volumes}/<handle>/mount/connect/agent.sock` },
    volumeDriver: { executable: join(state.plugins, 'athenz.kubernetes.io~athenz-volume-driver', 'athenz-volume-driver'), settings: state.driverSettings },
    logs: state.logs,
  }
}
