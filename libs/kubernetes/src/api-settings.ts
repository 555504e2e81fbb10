/** How a program is told of the API server. */
import { path, setting, url } from '@pallas/config'
import { IN_CLUSTER } from './in-cluster.ts'

export const apiSettings = {
  apiServer: setting(url({ protocols: ['https'] }), { default: IN_CLUSTER.server, doc: 'Base URL of the API server.' }),
  apiCa: setting(path, { default: IN_CLUSTER.caFile, doc: 'PEM roots of the API server.' }),
  apiTokenFile: setting(path, {
    default: IN_CLUSTER.tokenFile,
    doc: 'Bearer token for the API server, read again as it is renewed.',
  }),
}
