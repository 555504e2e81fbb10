/** What the JWT service can be told. Names and defaults of the original stay; everything else begins `JWT_SERVICE_`. */
import { address, duration, oneOf, path, program as define, setting, type SettingsOf, text, url } from '@pallas/config'
import { DOCUMENT_MAX_LIFE_SECONDS } from '@pallas/identity'
import { IN_CLUSTER } from '@pallas/kubernetes'
import { LOG_LEVELS } from '@pallas/runtime'

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
  secretName: setting(text, {
    env: 'SECRET_PREFIX',
    default: 'athenz-init-secret',
    doc: 'What the names of signing keys begin with.',
  }),
  key: setting(path, { env: 'KEY_FILE', required: true, doc: 'PEM private key of this service.' }),
  cert: setting(path, { env: 'CERT_FILE', required: true, doc: 'PEM certificate chain of this service.' }),
  identityCn: setting(text, {
    env: 'IDENTITY_CN',
    doc: 'Common name of the certificates of agents; without it `<admin-domain>.athenz-identity-agent`.',
  }),
  tokenExpiry: setting(duration({ min: '30s', max: `${DOCUMENT_MAX_LIFE_SECONDS}s` }), {
    env: 'TOKEN_EXPIRY',
    default: '5m',
    doc: 'How long a document is valid.',
  }),
  shutdownGrace: setting(duration(), {
    env: 'SHUTDOWN_GRACE',
    default: '10s',
    doc: 'How long requests may go on after a signal to stop.',
  }),
  config: setting(path, {
    env: 'CONFIG_URL',
    default: '/var/cluster/config.yaml',
    doc: "The cluster's configuration file.",
  }),
  apiServer: setting(url({ protocols: ['https'] }), { default: IN_CLUSTER.server, doc: 'Base URL of the API server.' }),
  apiCa: setting(path, { default: IN_CLUSTER.caFile, doc: 'PEM roots of the API server.' }),
  apiTokenFile: setting(path, {
    default: IN_CLUSTER.tokenFile,
    doc: 'Bearer token for the API server, read again as it is renewed.',
  }),
  adminListen: setting(address, { default: ':9901', doc: 'Address of healthz, readyz and metrics.' }),
  logLevel: setting(oneOf(...LOG_LEVELS), { default: 'info', doc: 'Least level that is logged.' }),
}

export const program = define({
  name: 'athenz-jwt-service',
  envPrefix: 'JWT_SERVICE',
  summary: 'Signs the document of a pod for the identity agent of its node.',
  schema,
  check: ({ secretName }) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(secretName) ? [] : ['--secret-name must be part of a file name'],
})

export type JwtServiceSettings = SettingsOf<typeof program>
