/**
 * Every key and certificate that an administrator would bring along, as the Secrets and ConfigMaps that `deploy/` asks for:
 * what Athenz is, who ZTS is, the registered keys of the control plane, the key that signs documents.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { TestCa } from '@pallas/x509/testing'
import { addService, worldOf, type ZtsWorld } from '@pallas/zts/testing'
import { stringify } from 'yaml'
import { ZTS_FILES } from './in-cluster/zts-files.ts'
import { ADMIN_DOMAIN, AGENT, DNS_SUFFIX, EXAMPLE, JWT_SERVICE, MORE_SERVICES, PORT, PROVIDER, serviceHost, SIGNING_KEY, ZTS } from './names.ts'

/** File name → text. */
export type Files = Readonly<Record<string, string>>

export interface Material {
  readonly secrets: Readonly<Record<SecretName, Files>>
  readonly configMaps: Readonly<Record<ConfigMapName, Files>>
}

export const SECRETS = [ZTS, 'athenz-callback-identity', 'athenz-jwt-service-identity', 'athenz-signing-private'] as const
export const CONFIG_MAPS = ['athenz-config', 'athenz-signing-public'] as const
export type SecretName = (typeof SECRETS)[number]
export type ConfigMapName = (typeof CONFIG_MAPS)[number]

const YEAR_MS = 365 * 86_400_000
const KEY_VERSION = 'v1'

export async function makeMaterial(): Promise<Material> {
  const [athenz, own] = await Promise.all(['Athenz Trial CA', 'Trial ZTS CA'].map((name) => TestCa.create({ name }))) as [TestCa, TestCa]
  const server = await own.issue({ commonName: ZTS, dns: [serviceHost(ZTS)], lifeMs: YEAR_MS })
  const [callback, jwtService, signing] = [newKey(), newKey(), newKey()]
  const documentKey = `${SIGNING_KEY}.${KEY_VERSION}`
  return {
    secrets: {
      [ZTS]: {
        [ZTS_FILES.caCert]: athenz.certPem,
        [ZTS_FILES.caKey]: athenz.keyPem,
        [ZTS_FILES.serverCert]: server.certPem,
        [ZTS_FILES.serverKey]: server.keyPem,
        [ZTS_FILES.serverRoots]: own.certPem,
        [ZTS_FILES.world]: JSON.stringify(trialWorld(callback.publicPem, jwtService.publicPem)),
      },
      'athenz-callback-identity': registered(callback),
      'athenz-jwt-service-identity': registered(jwtService),
      'athenz-signing-private': { [documentKey]: signing.privatePem },
    },
    configMaps: {
      'athenz-config': { 'config.yaml': clusterConfig(own.certPem, athenz.certPem), 'zts-name': ZTS },
      'athenz-signing-public': { [documentKey]: signing.publicPem },
    },
  }
}

interface PemPair {
  readonly privatePem: string
  readonly publicPem: string
}

function newKey(): PemPair {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPem = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' })
  return { privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }), publicPem }
}

const registered = ({ privatePem }: PemPair): Files => ({ 'service.key': privatePem, 'service.version': KEY_VERSION })

/** Athenz as an administrator would set it up: the services, their keys, and whom the callback may launch. */
export function trialWorld(callbackKey: string, jwtServiceKey: string): ZtsWorld {
  const endpoint = `https://${serviceHost('athenz-callback')}:${PORT}`
  const world = worldOf({ provider: PROVIDER, endpoint, dnsSuffixes: [DNS_SUFFIX], services: [AGENT, EXAMPLE.web, EXAMPLE.client, ...MORE_SERVICES] })
  addService(world, PROVIDER).publicKeys[KEY_VERSION] = callbackKey
  addService(world, JWT_SERVICE).publicKeys[KEY_VERSION] = jwtServiceKey
  return world
}

const clusterConfig = (ztsRoots: string, serviceRoots: string): string =>
  stringify({
    'zts-endpoint': `https://${serviceHost(ZTS)}:${PORT}/zts/v1`,
    'provider-service': PROVIDER,
    'admin-domain': ADMIN_DOMAIN,
    'dns-suffix': DNS_SUFFIX,
    'trust-roots': { athenz: ztsRoots, 'athenz-service': serviceRoots },
  })
