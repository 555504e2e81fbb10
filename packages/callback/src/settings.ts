/** What the callback can be told. Names and defaults of the original stay; everything else begins `CALLBACK_`. */
import {
  address,
  duration,
  fail,
  type Kind,
  list,
  name,
  path,
  program as define,
  setting,
  type SettingsOf,
  text,
} from '@pallas/config'
import { isCidr } from '@pallas/identity'
import { apiSettings } from '@pallas/kubernetes/settings'
import { serverSettings } from '@pallas/service/settings'
import { clusterConfigSetting } from '@pallas/wire/cluster-config'
import { secretNameProblems, signingKeySetting } from '@pallas/wire/signing-keys'

/** Whose address may be that of whoever dialled ZTS. */
export type ClientIpSetting =
  | { readonly kind: 'ignore' }
  | { readonly kind: 'node' }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] }

const clientIp: Kind<ClientIpSetting> = {
  label: '`ignore`, `node`, or CIDRs',
  parse: (it) => {
    if (it === 'ignore' || it === 'node') return { kind: it }
    const cidrs = it.split(',').map((part) => part.trim())
    return cidrs.every(isCidr) ? { kind: 'cidrs', cidrs } : fail('must be ignore, node, or CIDRs such as 10.0.0.0/8')
  },
}

const schema = {
  listen: setting(address, {
    env: 'ADDR',
    default: ':4443',
    doc: 'Address of the server that ZTS calls, over mutual TLS.',
  }),
  key: setting(path, {
    env: 'KEY_FILE',
    default: '/var/tls/athenz/private/service.key',
    doc: 'PEM private key of this service.',
  }),
  cert: setting(path, {
    env: 'CERT_FILE',
    default: '/var/tls/athenz/public/service.cert',
    doc: 'PEM certificate chain of this service; its common name must be the provider that ZTS calls.',
  }),
  signPubDir: setting(path, {
    env: 'PUBLIC_KEYS_DIR',
    default: '/var/keys/public',
    doc: 'Directory of public keys `<secret-name>.v<N>`, PEM: each of them verifies documents.',
  }),
  ...signingKeySetting,
  ztsName: setting(name, {
    env: 'ZTS_COMMON_NAME',
    default: 'zts.example.cloud',
    doc: 'Common name of the certificate of ZTS: nobody else may ask.',
  }),
  clientIp: setting(clientIp, {
    default: 'ignore',
    doc: 'From which addresses ZTS may be dialled: any, those of the node of the pod, or those in the CIDRs.',
  }),
  agentAccounts: setting(list(name), {
    default: 'athenz-identity-agent',
    doc: 'Service accounts in the namespace of the admin domain whose pods get their own identity with their service account token; empty: none.',
  }),
  leaseNamespace: setting(text, {
    default: 'k8s-admin',
    doc: 'Namespace of the Leases that keep documents to one use and remember instances: one for all replicas.',
  }),
  ztsTimeout: setting(duration({ min: '100ms' }), { default: '20s', doc: 'Longest call of ZTS.' }),
  ...clusterConfigSetting,
  ...apiSettings,
  ...serverSettings,
}

/** What an account may be called and an Athenz service too: no dot, no colon. */
const ACCOUNT = /^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$/
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

export const program = define({
  name: 'athenz-callback',
  envPrefix: 'CALLBACK',
  summary: 'Tells ZTS whether an instance is the pod that it claims to be. Also known as athenz-identityd.',
  schema,
  check: ({ leaseNamespace, secretName, agentAccounts }) => [
    ...(agentAccounts.every((it) => ACCOUNT.test(it)) ? [] : ['--agent-accounts must be names of service accounts']),
    ...(NAMESPACE.test(leaseNamespace) ? [] : ['--lease-namespace must be the name of a namespace']),
    ...secretNameProblems(secretName),
  ],
})

export type CallbackSettings = SettingsOf<typeof program>
