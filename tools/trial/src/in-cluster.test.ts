import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, systemClock } from '@pallas/runtime'
import { TestCa } from '@pallas/x509/testing'
import { request } from 'node:https'
import { expect, test } from 'vitest'
import { ask, serve } from './in-cluster/workload.ts'
import { startTrialZts } from './in-cluster/zts.ts'
import { makeMaterial } from './material.ts'
import { serviceHost, ZTS } from './names.ts'

function aDirectory(files: Readonly<Record<string, string>>) {
  const dir = mkdtempSync(join(tmpdir(), 'trial-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

const LOOPBACK = { host: '127.0.0.1', port: 0 }

test('the ZTS of the trial starts from its files, serves as the host that it was made for, and says that it is well', async () => {
  const { secrets } = await makeMaterial()
  using files = aDirectory(secrets[ZTS])
  const settings = { listen: LOOPBACK, adminListen: LOOPBACK, dir: files.dir, logLevel: 'silent' } as const
  const deps = { clock: systemClock, log: createLogger('test', { level: 'silent' }), metrics: createMetrics('test') }
  await using zts = await startTrialZts(settings, deps)
  expect((await fetch(`${zts.adminUrl}/healthz`)).status).toBe(200)
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const options = { host: '127.0.0.1', port: zts.url.port, path: '/zts/v1/status', ca: secrets[ZTS]['server-roots.pem'], servername: serviceHost(ZTS), agent: false, timeout: 5_000 }
  request(options, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end()
  expect(await promise).toBe(200)
})

async function identityOf(ca: TestCa, commonName: string) {
  const { certPem, keyPem } = await ca.issue({ commonName, dns: ['localhost'] })
  return aDirectory({ 'service.cert': certPem, 'service.key': keyPem, 'cacert.pem': ca.certPem })
}

test('two pods of one authority know each other by name; one of another authority is turned away', async () => {
  const [ca, other] = [await TestCa.create(), await TestCa.create()]
  using web = await identityOf(ca, 'athenz.trial.web')
  using client = await identityOf(ca, 'athenz.trial.client')
  using stranger = await identityOf(other, 'athenz.trial.client')
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const clock = systemClock
  await using server = await serve({ dir: web.dir, clock, say }, LOOPBACK)
  const to = { host: 'localhost', port: server.port }
  await ask({ dir: client.dir, clock, say }, to)
  expect(said.map((line) => JSON.parse(line))).toEqual([{ served: 'athenz.trial.client' }, { reached: 'athenz.trial.web', youAre: 'athenz.trial.client' }])
  await expect(ask({ dir: stranger.dir, clock, say }, to)).rejects.toThrow()
  expect(said).toHaveLength(2)
})
