/** What the ZTS of the trial can be told. */
import { address, oneOf, path, program as define, setting } from '@pallas/config'
import { LOG_LEVELS } from '@pallas/runtime'

const schema = {
  listen: setting(address, { default: ':4443', doc: 'Address of ZTS, over TLS.' }),
  adminListen: setting(address, { default: ':9090', doc: 'Address of healthz, readyz and metrics.' }),
  dir: setting(path, { default: '/var/trial', doc: 'Directory of its keys and of the world it knows.' }),
  logLevel: setting(oneOf(...LOG_LEVELS), { default: 'info', doc: 'Least level that is logged.' }),
}

export const ztsProgram = define({
  name: 'athenz-trial-zts',
  envPrefix: 'TRIAL_ZTS',
  summary: 'A ZTS to try the suite with: strict as a real one, but it forgets what it issued when it ends.',
  schema,
})
