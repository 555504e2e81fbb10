import { duration, path, program as define, setting, type SettingsOf, text } from '@pallas/config'
import { checkOutputs, common, pathOrNothing, refreshInterval } from '../settings/settings-common.ts'

/** `athenz-control-sia`: runs beside a service of the control plane, whose key an administrator made. */
export const controlProgram = define({
  name: 'athenz-control-sia',
  envPrefix: 'CONTROL_SIA',
  summary: 'Gets certificates from ZTS for a service that has a registered key of its own.',
  schema: {
    ...common,
    namespace: setting(text, { required: true, env: 'NAMESPACE', doc: 'Kubernetes namespace of the service.' }),
    account: setting(text, { required: true, env: 'ACCOUNT', doc: 'Service account: the Athenz service.' }),
    identityDir: setting(path, {
      default: '/var/tls/athenz/private',
      env: 'IDENTITY_DIR',
      doc: 'Directory with `service.key` (PEM) and `service.version` (key id at Athenz).',
    }),
    refreshInterval: setting(duration({ min: '1s' }), { ...refreshInterval, default: '24h' }),
    outNtoken: setting(pathOrNothing, { default: '/tokens/ntoken', env: 'TOKEN_FILE', doc: 'Principal token.' }),
    outCert: setting(path, {
      default: '/var/tls/athenz/public/service.cert',
      env: 'CERT_FILE',
      doc: 'Certificate and the authority after it, PEM.',
    }),
    outCaCert: setting(pathOrNothing, {
      default: '/var/tls/athenz/public/ca.cert',
      env: 'CA_CERT_FILE',
      doc: 'Certificates of the authority, PEM; empty for none.',
    }),
    config: setting(path, {
      default: '/var/cluster/config.yaml',
      env: 'CONFIG_URL',
      doc: "File with the cluster's configuration.",
    }),
  },
  check: ({ outNtoken, outCert, outCaCert }) =>
    checkOutputs([
      ['out-ntoken', outNtoken],
      ['out-cert', outCert],
      ['out-ca-cert', outCaCert],
    ]),
})

export type ControlSettings = SettingsOf<typeof controlProgram>
