/** The token endpoint that a pod asks on its loopback: an access token that is cached, as often as it can be had. */
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startProgram } from '@pallas/sandbox'
import { type Figure, spread, value } from '@pallas/suite/figures'
import { allowRole } from '@pallas/zts/testing'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { ENV } from '../children.ts'
import { openCluster, replaceAgent } from '../cluster.ts'
import { createLaunches } from '../launches.ts'
import type { Plan } from '../load/load.ts'
import { perCore, perSecond, runLoad, utilisation } from '../load/run-load.ts'
import { pinned, SERVER_CORE } from '../pin.ts'
import { placeProcess, siaArguments } from '../pods.ts'
import { memoryOf } from '../proc.ts'
import { until } from '../wait.ts'

export const tokenEndpointBench: Bench = {
  name: 'token-endpoint',
  doc: 'a cached access token over `POST /accesstoken` of the refresher, on one core, and what the refresher then holds',
  run: runTokenEndpoint,
}

const ROLE = { domain: 'reports', role: 'reader' } as const

async function runTokenEndpoint(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick, signal } = context
  await using it = await openCluster(context)
  const { world, zts, pki, state } = it.cluster
  allowRole(world, ROLE.domain, ROLE.role, ['shop.web'])
  await replaceAgent(it, await bundle('agent', dir))
  const launch = await createLaunches({ it, driver: await bundle('driver', dir), context }).next()
  const port = await freePort()
  const roots = join(dir, 'zts-roots.pem')
  writeFileSync(roots, pki.ztsCa.chainPem)
  const serving = [`--token-server-addr=127.0.0.1:${port}`, '--token-server-rest-api', '--token-type=accesstoken']
  const asking = [`--zts-endpoint=${zts.url.href}`, `--server-ca-cert=${roots}`]
  const more = siaArguments(launch.mountDir, launch.out, ...serving, ...asking)
  const argv = pinned([...(await bundle('sia', dir)), '--mode=refresh', ...more], SERVER_CORE)
  const logFile = join(dir, 'refresher.log')
  await using program = await startProgram({ name: 'refresher', argv, env: ENV, logFile, daemon: true, signal })
  placeProcess(state.procRoot, program.pid, launch.pod)
  const hasKey = () => existsSync(`${launch.out}/tls/service.key`) || undefined
  await until('the credentials of a refresher', hasKey, {}, signal)
  const url = `http://127.0.0.1:${port}/accesstoken`
  await until('the first token', () => isServed(url), { everyMs: 100 }, signal)

  const target = { host: '127.0.0.1', port, path: '/accesstoken' }
  const common = { target, bodies: [JSON.stringify(ROLE)], once: false, connections: 16, pid: program.pid }
  const plan: Plan = { ...common, warmUpMs: 1_000, forMs: quick ? 2_000 : 20_000 }
  const outcome = await runLoad(plan, context)
  const { resident } = memoryOf(program.pid)
  const n = outcome.waits.length
  return [
    value('token-endpoint: answers per second of processor time', perCore(outcome), {
      unit: '1/s',
      n,
      notes: [utilisation(outcome)],
    }),
    value('token-endpoint: answers per second seen', perSecond(outcome), { unit: '1/s', n }),
    spread('token-endpoint: one answer when full', outcome.waits, { unit: 'ms' }),
    value('token-endpoint: resident memory of a refresher that serves tokens, after load', resident, { unit: 'MiB' }),
  ]
}

async function isServed(url: string): Promise<true | undefined> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(ROLE) }).catch(() => undefined)
  await answer?.arrayBuffer()
  return answer?.status === 200 ? true : undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
