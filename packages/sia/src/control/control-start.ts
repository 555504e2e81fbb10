import type { Host } from '@pallas/host'
import { sameBytes } from '@pallas/x509'
import { openControlConfig } from './control-config.ts'
import { createControlFetch } from './control-fetch.ts'
import type { ControlSettings } from './control-settings.ts'
import { createTokenRenewable } from './control-token.ts'
import { createCertificateRequest } from './control-zts.ts'
import type { Log } from '../log.ts'
import { runInit, runRefresh } from '../loop/modes.ts'
import { createOutput } from '../output/output.ts'
import { createRenewable } from '../loop/renewable.ts'
import { callTimeout } from '../settings/settings-common.ts'
import { mayBeReplicating } from '../zts/call.ts'

export interface ControlDeps {
  readonly host: Pick<Host, 'files' | 'keys' | 'clock' | 'http'>
  readonly log: Log
}

/** Resolves when the credentials are there (`init`) or when it was asked to stop (`refresh`). */
export async function startControlSia(
  settings: ControlSettings,
  { host, log }: ControlDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, files } = host
  const onUnusable = (err: unknown): void => log.warn({ err }, 'new configuration cannot be used, keeping the old')
  const config = await openControlConfig(settings.config, { files, onUnusable })
  const { ztsEndpoint, authHeader } = config.current()
  const request = createCertificateRequest({
    http: host.http,
    endpoint: ztsEndpoint,
    caPem: () => config.current().trustRoots.athenz,
    authHeader,
    timeoutMs: callTimeout(settings),
  })
  const control = createControlFetch({ ...settings, config, host, request })
  const output = createOutput({
    paths: { cert: settings.outCert, caCert: settings.outCaCert, ntoken: settings.outNtoken },
    roots: () => config.current().trustRoots.athenzService,
    host,
    onLeftover: (err) => log.warn({ err }, 'an old generation stays behind'),
    onUnusable: (err) => log.warn({ err }, 'what is on disk does not count'),
  })
  const certificate = createRenewable({
    clock,
    log,
    output,
    fetch: (signal) => control.certificate(signal),
    current: async () => {
      const owned = await control.keyIfThere()
      return owned && output.current(owned.key.spki)
    },
    outdated: async ({ leaf }) => {
      const owned = await control.keyIfThere()
      return owned !== undefined && !sameBytes(owned.key.spki, leaf.spki)
    },
    otherLives: () => [],
    maxIntervalMs: settings.refreshInterval,
  })
  if (settings.mode === 'init') {
    const options = { clock, log, timeoutMs: settings.initTimeout, mayPass: mayBeReplicating }
    return runInit(certificate, options, signal)
  }
  const path = settings.outNtoken
  const token = path === '' ? [] : [createTokenRenewable({ clock, control, output, path })]
  return runRefresh([certificate, ...token], { clock, log }, signal)
}
