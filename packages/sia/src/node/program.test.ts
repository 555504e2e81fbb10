/** `athenz-sia` as a process, with everything beside its renewals, against an agent on a real socket. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, unlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openRealAgent } from '../testing/real-agent.ts'
import { until } from '../testing/until.ts'

const SIA = fileURLToPath(new URL('../main.ts', import.meta.url))

async function get(port: number | undefined, path: string) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

async function openSia(...more: readonly string[]) {
  await using scope = new AsyncDisposableStack()
  const pod = scope.use(await openRealAgent())
  const { root } = pod
  const argv = [
    '--mode=refresh',
    ...pod.argv,
    '--health-check-addr=127.0.0.1:0',
    '--metrics-server-addr=127.0.0.1:0',
    ...more.map((it) => it.replaceAll('ROOT', root)),
  ]
  const child = spawn(process.execPath, [SIA, ...argv], { env: {}, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  const ended = once(child, 'exit')
  scope.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const ports = () => [...said.matchAll(/listening on http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
  await until(() => ports().length === 2)
  const [metrics, health] = ports()
  const parts = scope.move()
  return {
    root,
    said: () => said,
    metrics: async () => (await get(metrics, '/metrics')).text,
    health: () => get(health, '/healthz'),
    stop: async () => {
      child.kill('SIGTERM')
      return (await ended)[0] as number | null
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

const isThere = (path: string) =>
  readFile(path).then(
    () => true,
    () => false,
  )

test('health follows the files, metrics follow the life, a hook follows the change, and SIGTERM ends it with 0 (W28)', async () => {
  await using it = await openSia('--hook-command=/bin/cp,ROOT/tls/service.cert,ROOT/copy')
  await until(async () => (await it.health()).status === 200)
  await until(() => isThere(`${it.root}/copy`))
  expect(await readFile(`${it.root}/copy`, 'utf8')).toBe(await readFile(`${it.root}/tls/service.cert`, 'utf8'))

  const metrics = await it.metrics()
  expect(metrics).toMatch(/^athenz_sia_credential_not_after_seconds\{kind="service-certificate",name="\S+"\} \d{10}/m)
  expect(metrics).toMatch(/^x509_cert_not_after\{filename="service.cert",filepath="\S+\/tls\/service.cert",subject_CN="\S+"\} \d{10}/m)
  expect(metrics.match(/^x509_cert_not_after\{/gm)).toHaveLength(1)
  expect(metrics).toContain('athenz_sia_renewals_total{kind="service-certificate",code="OK"} 1')

  await unlink(`${it.root}/tls/cacert.pem`)
  expect(await it.health()).toMatchObject({ status: 503, text: expect.stringContaining('"state":"missing"') })
  await unlink(`${it.root}/tls/..data`)
  expect(await it.health()).toMatchObject({ status: 503, text: expect.stringContaining('"state":"missing"') })
  expect(await it.stop()).toBe(0)
})

test('nothing secret is in log, metrics or health (T46)', async () => {
  await using it = await openSia('--log-level=debug', '--hook-command=/bin/cat,ROOT/tls/service.key,ROOT/tokens/ntoken')
  await until(() => it.said().includes('hook done'))
  const all = [it.said(), await it.metrics(), (await it.health()).text].join('\n')
  const key = await readFile(`${it.root}/tls/service.key`, 'utf8')
  const ntoken = await readFile(`${it.root}/tokens/ntoken`, 'utf8')
  for (const secret of [...key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----')), ntoken]) {
    expect(all).not.toContain(secret)
  }
  expect(await it.stop()).toBe(0)
})

test('a signal to stop ends a hook that runs, in the time of a shutdown', async () => {
  await using it = await openSia('--hook-command=/bin/sh,-c,touch ROOT/begun; sleep 600', '--hook-timeout=1h', '--shutdown-timeout=100ms')
  await until(() => isThere(`${it.root}/begun`))
  expect(await it.stop()).toBe(0)
  expect(it.said()).toContain('the hook command was ended')
})
