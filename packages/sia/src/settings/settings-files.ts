/** Where `athenz-sia` puts the identity of the pod. */
import { list, path, setting } from '@pallas/config'
import { pathOrNothing } from './settings-common.ts'

export const fileSettings = {
  outNtoken: setting(pathOrNothing, { default: '/tokens/ntoken', env: 'TOKEN_FILE', doc: 'Principal token.' }),
  outKey: setting(list(path), {
    default: '/tls/service.key',
    env: 'KEY_FILE',
    aliases: ['key'],
    doc: 'Private key, PEM; each of several paths gets a copy.',
  }),
  outCert: setting(list(path), {
    default: '/tls/service.cert',
    env: 'CERT_FILE',
    aliases: ['cert'],
    doc: 'Certificate, PEM; each of several paths gets a copy.',
  }),
  outCaCert: setting(pathOrNothing, {
    default: '/tls/cacert.pem',
    env: 'CA_CERT_FILE',
    doc: 'Certificates of the authority, PEM; empty for none.',
  }),
  outBundle: setting(pathOrNothing, {
    default: '',
    doc: 'Key, certificate and authority in one file, for readers that open only one; empty for none.',
  }),
}
