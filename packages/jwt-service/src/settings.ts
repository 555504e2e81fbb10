/** What the JWT service can be told. Names and defaults of the original stay; everything else begins `JWT_SERVICE_`. */
import { address, duration, name, path, program as define, setting, type SettingsOf } from '@pallas/config'
import { DOCUMENT_MAX_LIFE_SECONDS } from '@pallas/identity'
import { apiSettings } from '@pallas/kubernetes/settings'
import { serverSettings } from '@pallas/service/settings'
import { clusterConfigSetting } from '@pallas/wire/cluster-config'
import { secretNameProblems, signingKeySetting } from '@pallas/wire/signing-keys'

const schema = {
  listen: setting(address, {
    env: 'ADDR',
    default: ':4443',
    doc: 'Address of the server that agents call, over mutual TLS.',
  }),
  signKeyDir: setting(path, {
    env: 'PRIVATE_KEYS_DIR',
    default: '/var/keys/private',
    doc: 'Directory of signing keys `<secret-name>.v<N>`, PEM, P-256 or RSA of 2048 bits or more: the newest signs.',
  }),
  ...signingKeySetting,
  key: setting(path, { env: 'KEY_FILE', required: true, doc: 'PEM private key of this service.' }),
  cert: setting(path, { env: 'CERT_FILE', required: true, doc: 'PEM certificate chain of this service.' }),
  identityCn: setting(name, {
    env: 'IDENTITY_CN',
    doc: 'Common name of the certificates of agents; without it `<admin-domain>.athenz-identity-agent`.',
  }),
  revokedAgents: setting(path, {
    doc: 'File of agents that get no more documents: one Node name, certificate serial or SHA-256 fingerprint a line.',
  }),
  tokenExpiry: setting(duration({ min: '30s', max: `${DOCUMENT_MAX_LIFE_SECONDS}s` }), {
    env: 'TOKEN_EXPIRY',
    default: '5m',
    doc: 'How long a document is valid.',
  }),
  ...clusterConfigSetting,
  ...apiSettings,
  ...serverSettings,
}

export const program = define({
  name: 'athenz-jwt-service',
  envPrefix: 'JWT_SERVICE',
  summary: 'Signs the document of a pod for the identity agent of its node.',
  schema,
  check: ({ secretName }) => secretNameProblems(secretName),
})

export type JwtServiceSettings = SettingsOf<typeof program>
