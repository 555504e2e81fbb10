/** Settings that every server has: said once, so that they are called the same everywhere. */
import { address, duration, oneOf, setting } from '@pallas/config'
import { LOG_LEVELS } from '@pallas/runtime'

export const serverSettings = {
  shutdownGrace: setting(duration(), {
    env: 'SHUTDOWN_GRACE',
    default: '10s',
    doc: 'How long requests may go on after a signal to stop.',
  }),
  adminListen: setting(address, { default: ':9901', doc: 'Address of healthz, readyz and metrics.' }),
  logLevel: setting(oneOf(...LOG_LEVELS), { default: 'info', doc: 'Least level that is logged.' }),
}
