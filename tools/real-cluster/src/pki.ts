/** Keys and certificates of a cluster, new for each. The kubelet serves with one of the cluster's own authority. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { API_ADDRESS, type Cluster, DNS_DOMAIN, NODE_ADDRESS, NODE_NAME } from './layout.ts'

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR
const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'

interface Party {
  readonly commonName: string
  readonly organization?: string
  /** Makes it a server. */
  readonly names?: { readonly dns: readonly string[]; readonly ip: readonly string[] }
}

const MASTERS = 'system:masters'
const API_NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${DNS_DOMAIN}`, 'localhost']

/** File name → whom the cluster's authority vouches for. */
const PARTIES: Readonly<Record<string, Party>> = {
  apiserver: { commonName: 'kube-apiserver', names: { dns: API_NAMES, ip: ['127.0.0.1', API_ADDRESS, NODE_ADDRESS] } },
  kubelet: { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes', names: { dns: [NODE_NAME], ip: [NODE_ADDRESS] } },
  controllers: { commonName: 'controllers', names: { dns: [NODE_NAME], ip: [NODE_ADDRESS] } },
  admin: { commonName: 'admin', organization: MASTERS },
  'kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organization: MASTERS },
  node: { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes' },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  dns: { commonName: 'dns', organization: MASTERS },
}

/** Who speaks to the API server: name of the kubeconfig → party. */
const CALLERS = { admin: 'admin', kubelet: 'node', 'controller-manager': 'controller-manager', scheduler: 'scheduler', dns: 'dns' } as const

interface Pair {
  readonly certPem: string
  readonly keyPem: string
}

/** Fills `pki/` and writes the kubeconfigs, which hold all that they need. */
export async function writePki(cluster: Cluster): Promise<void> {
  const directory = join(cluster.stateDirectory, 'pki')
  mkdirSync(directory, { mode: 0o700 })
  const write = (name: string, { certPem, keyPem }: Pair): void => {
    writeFileSync(join(directory, `${name}.crt`), certPem)
    writeFileSync(join(directory, `${name}.key`), keyPem, { mode: 0o600 })
  }
  // A name of its own for each: a client that knows an earlier cluster must not take this one's for the same authority.
  const ca = await TestCa.create({ name: `cluster ${randomUUID()}` })
  const frontProxyCa = await TestCa.create({ name: 'front-proxy' })
  write('ca', ca)
  write('front-proxy-ca', frontProxyCa)
  write('front-proxy-client', await issue(frontProxyCa, { commonName: 'front-proxy-client' }))
  const pairs = new Map<string, Pair>()
  for (const [name, party] of Object.entries(PARTIES)) pairs.set(name, await issue(ca, party))
  for (const [name, pair] of pairs) write(name, pair)
  writeServiceAccountKey(directory)
  for (const [name, party] of Object.entries(CALLERS)) writeKubeconfig(cluster, name, { caPem: ca.certPem, pair: pairs.get(party) })
}

async function issue(ca: TestCa, { commonName, organization, names }: Party): Promise<Pair> {
  const key = nodeKey()
  const subject = [
    ...(organization === undefined ? [] : [{ oid: ORGANIZATION, value: organization }]),
    { oid: COMMON_NAME, value: commonName },
  ]
  const altNames = { dns: [], ip: [], uri: [], email: [], other: 0, ...names }
  const usages = [names === undefined ? 'clientAuth' : 'serverAuth'] as const
  const { certPem } = await ca.sign({ spki: key.spki, subject, names: altNames }, { lifeMs: YEAR, notBefore: Date.now() - HOUR, usages })
  return { certPem, keyPem: key.pem }
}

/** RSA, as clusters have it: what reads its tokens shall see the usual algorithm. */
function writeServiceAccountKey(directory: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(join(directory, 'sa.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  writeFileSync(join(directory, 'sa.pub'), publicKey.export({ format: 'pem', type: 'spki' }))
}

function writeKubeconfig(cluster: Cluster, name: string, { caPem, pair }: { caPem: string; pair: Pair | undefined }): void {
  if (pair === undefined) throw new TypeError(`no certificate for ${name}`)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'pallas', cluster: { server: cluster.apiServer, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name, user: { 'client-certificate-data': base64(pair.certPem), 'client-key-data': base64(pair.keyPem) } }],
    contexts: [{ name: 'pallas', context: { cluster: 'pallas', user: name } }],
    'current-context': 'pallas',
  }
  writeFileSync(join(cluster.stateDirectory, `${name}.kubeconfig`), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
