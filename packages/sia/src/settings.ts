import { duration, endpoint, oneOf, path, program as define, setting, type SettingsOf } from '@pallas/config'
import { SOCKET_PATH_LIMIT } from '@pallas/wire'
import { checkCompanions, companionSettings } from './settings-companions.ts'
import { checkOutputs, common, pathOrNothing, refreshInterval } from './settings-common.ts'

/** `athenz-sia`: runs in a pod, beside the workload. */
export const program = define({
  name: 'athenz-sia',
  envPrefix: 'SIA',
  summary: 'Writes the identity of the pod it runs in to files, once or for ever.',
  schema: {
    ...common,
    idFile: setting(path, { default: '/identity/id', env: 'ID_FILE', doc: 'File with the handle of the volume.' }),
    endpoint: setting(endpoint, {
      default: 'unix:///identity/connect/agent.sock',
      env: 'ENDPOINT',
      doc: 'Where the identity agent listens.',
    }),
    socketTimeout: setting(duration(), {
      default: '30s',
      doc: 'How long to wait for an id file or a socket that is not there yet.',
    }),
    keyOrigin: setting(oneOf('pod', 'agent'), {
      default: 'pod',
      doc: 'Who makes the private key: this program, or the agent as in the original suite.',
    }),
    refreshInterval: setting(duration({ min: '1s' }), refreshInterval),
    outNtoken: setting(pathOrNothing, { default: '/tokens/ntoken', env: 'TOKEN_FILE', doc: 'Principal token.' }),
    outKey: setting(path, { default: '/tls/service.key', env: 'KEY_FILE', doc: 'Private key, PEM.' }),
    outCert: setting(path, { default: '/tls/service.cert', env: 'CERT_FILE', doc: 'Certificate, PEM.' }),
    outCaCert: setting(pathOrNothing, {
      default: '/tls/cacert.pem',
      env: 'CA_CERT_FILE',
      doc: 'Certificates of the authority, PEM; empty for none.',
    }),
    outBundle: setting(pathOrNothing, {
      default: '',
      doc: 'Key, certificate and authority in one file, for readers that open only one; empty for none.',
    }),
    ...companionSettings,
  },
  check: ({ endpoint, outNtoken, outKey, outCert, outCaCert, outBundle, ...rest }) => [
    ...(endpoint.kind === 'unix' && new TextEncoder().encode(endpoint.path).length > SOCKET_PATH_LIMIT
      ? [`--endpoint names a socket whose path is longer than ${SOCKET_PATH_LIMIT} bytes`]
      : []),
    ...checkOutputs({
      'out-ntoken': outNtoken,
      'out-key': outKey,
      'out-cert': outCert,
      'out-ca-cert': outCaCert,
      'out-bundle': outBundle,
    }),
    ...checkCompanions(rest),
  ],
})

export type SiaSettings = SettingsOf<typeof program>
