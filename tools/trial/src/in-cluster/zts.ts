/** The embedded ZTS as a program: keys and world from a directory, TLS to all, health beside it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SettingsOf } from '@pallas/config'
import type { LogFields } from '@pallas/runtime'
import { startAdmin } from '@pallas/service'
import type { ServerDeps } from '@pallas/service/main'
import { TestCa } from '@pallas/x509/testing'
import { startEmbeddedZts, type ZtsCall } from '@pallas/zts/testing'
import { parseWorld, ZTS_FILES, type ZtsFile } from './zts-files.ts'
import type { ztsProgram } from './zts-settings.ts'

export interface TrialZts extends AsyncDisposable {
  readonly url: URL
  readonly adminUrl: string
}

/** A URL is made of it, so it must not be empty. */
const EVERYWHERE = '0.0.0.0'

type Deps = Pick<ServerDeps, 'clock' | 'log' | 'metrics'>

export async function startTrialZts(settings: SettingsOf<typeof ztsProgram>, { clock, log, metrics }: Deps): Promise<TrialZts> {
  await using scope = new AsyncDisposableStack()
  const read = (file: ZtsFile): string => readFileSync(join(settings.dir, file), 'utf8')
  const told = (call: ZtsCall): void => log.info(fieldsOf(call), call.operation)
  const zts = scope.use(
    await startEmbeddedZts({
      world: parseWorld(read(ZTS_FILES.world)),
      ca: TestCa.open({ certPem: read(ZTS_FILES.caCert), keyPem: read(ZTS_FILES.caKey) }),
      server: { certPem: read(ZTS_FILES.serverCert), keyPem: read(ZTS_FILES.serverKey), rootsPem: read(ZTS_FILES.serverRoots) },
      listen: { ...settings.listen, host: settings.listen.host || EVERYWHERE },
      clock,
      log,
      onCall: told,
    }),
  )
  const { url: adminUrl } = scope.use(await startAdmin({ listen: settings.adminListen, checks: {}, metrics, log, clock }))
  const parts = scope.move()
  return { url: zts.url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const fieldsOf = ({ status, durationMs, domain, service, instanceId, message }: ZtsCall): LogFields => ({
  durationMs,
  ...(status === undefined ? {} : { status }),
  ...(domain === undefined ? {} : { domain }),
  ...(service === undefined ? {} : { service }),
  ...(instanceId === undefined ? {} : { instanceId }),
  ...(message === undefined ? {} : { problem: message }),
})
