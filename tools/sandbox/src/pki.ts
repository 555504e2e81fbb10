/** Every key and certificate that a real deployment would be given from outside, made anew for each sandbox. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestCa } from '@pallas/x509/testing'

export interface ServiceKey {
  readonly dir: string
  readonly version: string
  readonly publicKeyPem: string
}

export interface Pki {
  /** Issues what Athenz services carry: trust root `athenz-service`. */
  readonly athenzCa: TestCa
  /** Vouches for ZTS itself: trust root `athenz`. */
  readonly ztsCa: TestCa
  readonly kubernetesCa: TestCa
  readonly ztsServer: { readonly certPem: string; readonly keyPem: string }
  readonly apiServer: { readonly certPem: string; readonly keyPem: string }
  readonly kubeletServer: { readonly certPem: string; readonly keyPem: string }
  readonly agent: { readonly keyFile: string; readonly certFile: string }
  /** Of a webhook that is given its certificate. */
  readonly webhook: { readonly keyFile: string; readonly certFile: string }
  readonly kubernetesCaFile: string
  readonly signing: { readonly privateDir: string; readonly publicDir: string }
  serviceKey(name: string): ServiceKey
}

export interface PkiOptions {
  readonly dir: string
  readonly nodeName: string
  readonly ztsName: string
  readonly agentName: string
  readonly signingKeyName: string
  /** By which the API server calls the webhook. */
  readonly webhookName: string
}

const LOOPBACK = { dns: ['localhost'], ip: ['127.0.0.1'] }

export async function createPki({ dir, nodeName, ztsName, agentName, signingKeyName, webhookName }: PkiOptions): Promise<Pki> {
  const [athenzCa, ztsCa, kubernetesCa] = await Promise.all(
    ['Sandbox Athenz CA', 'Sandbox ZTS CA', 'Sandbox Kubernetes CA'].map((name) => TestCa.create({ name })),
  ) as [TestCa, TestCa, TestCa]
  const file = (name: string, content: string, mode = 0o600): string => {
    const path = join(dir, name)
    writeFileSync(path, content, { mode })
    return path
  }
  const pair = ({ certPem, keyPem }: { certPem: string; keyPem: string }, name: string) => ({
    keyFile: file(`${name}.key`, keyPem),
    certFile: file(`${name}.cert`, certPem, 0o644),
  })
  return {
    athenzCa,
    ztsCa,
    kubernetesCa,
    ztsServer: await ztsCa.issue({ commonName: ztsName, ...LOOPBACK }),
    apiServer: await kubernetesCa.issue({ commonName: 'kube-apiserver', ...LOOPBACK }),
    kubeletServer: await kubernetesCa.issue({ commonName: `system:node:${nodeName}`, dns: [nodeName], ip: ['127.0.0.1'] }),
    agent: pair(await athenzCa.issue({ commonName: agentName, dns: [nodeName] }), 'agent'),
    webhook: pair(await kubernetesCa.issue({ commonName: webhookName, dns: [webhookName] }), 'webhook'),
    kubernetesCaFile: file('kubernetes-ca.pem', kubernetesCa.chainPem, 0o644),
    signing: writeSigningKeys(dir, signingKeyName),
    serviceKey: (name) => writeServiceKey(join(dir, name)),
  }
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function writeSigningKeys(dir: string, name: string): Pki['signing'] {
  const key = newKey()
  const [privateDir, publicDir] = [join(dir, 'signing'), join(dir, 'signing-public')]
  mkdirSync(privateDir, { mode: 0o700 })
  mkdirSync(publicDir)
  writeFileSync(join(privateDir, `${name}.v1`), key.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  writeFileSync(join(publicDir, `${name}.v1`), createPublicKey(key).export({ format: 'pem', type: 'spki' }))
  return { privateDir, publicDir }
}

function writeServiceKey(dir: string): ServiceKey {
  const version = 'v1'
  const key = newKey()
  mkdirSync(dir, { mode: 0o700 })
  writeFileSync(join(dir, 'service.key'), key.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  writeFileSync(join(dir, 'service.version'), version)
  return { dir, version, publicKeyPem: createPublicKey(key).export({ format: 'pem', type: 'spki' }) }
}
