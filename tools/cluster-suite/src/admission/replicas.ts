/** The initializer in this process, called by the real API server: it runs on the machine where the API server runs. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { readProgram } from '@pallas/config'
import { program, startInitializer } from '@pallas/initializer'
import { type AdmissionOptions, initConfig } from '@pallas/initializer/testing/contract'
import { MUTATING_WEBHOOKS, pathOf } from '@pallas/kubernetes'
import { createLogger, createMetrics, systemClock } from '@pallas/runtime'
import { eventually } from '@pallas/suite'
import { parse } from 'yaml'
import { newNamespace, openClients } from '../admin.ts'
import { allow, applyGuard } from './guard.ts'

/** Not that of the suite which may be installed: nobody else injects into these pods. */
export const TRIGGER = 'admission.pallas.test/athenz'

export interface InjectionOptions extends AdmissionOptions {
  /** Of the webhook and the policies alike. */
  readonly settings?: Readonly<Record<string, string>>
  /** What is other than in `initConfig()`. */
  readonly templates?: Readonly<Record<string, unknown>>
}

interface Webhook {
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[]
  readonly [field: string]: unknown
}

export async function openAdmissionHome() {
  await using scope = new AsyncDisposableStack()
  const clients = scope.use(await openClients())
  const { name: namespace } = scope.use(await newNamespace(clients.admin))
  const parts = scope.move()
  return { clients, admin: clients.admin, namespace, name: `pallas-admission-${randomBytes(4).toString('hex')}`, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

export type AdmissionHome = Awaited<ReturnType<typeof openAdmissionHome>>

export const onlyIn = (namespace: string): object => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } })

/** `deploy/base/webhook.yaml` for one namespace and another annotation, dialled by address. */
export async function registerWebhook({ admin, namespace, name }: AdmissionHome, clientConfig: object, change: object = {}) {
  const manifest = parse((await readFile(join(REPOSITORY, 'deploy/base/webhook.yaml'), 'utf8')).replaceAll('initializer.kubernetes.io/athenz', TRIGGER)) as { readonly webhooks: readonly Webhook[] }
  const webhooks = manifest.webhooks.map((webhook) => ({ ...webhook, namespaceSelector: onlyIn(namespace), clientConfig, ...change }))
  await admin.create(pathOf(MUTATING_WEBHOOKS), { ...manifest, metadata: { name }, webhooks })
  return { [Symbol.asyncDispose]: () => admin.delete(pathOf(MUTATING_WEBHOOKS, { name })) }
}

/** Sends each connection to the next of those that serve, as a Service does. */
async function openService() {
  const targets: number[] = []
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((caller) => {
    const port = targets[turn++ % targets.length]
    if (port === undefined) return void caller.destroy()
    const called = connect(port, '127.0.0.1')
    for (const [one, other] of [[caller, called], [called, caller]] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => (sockets.delete(one), other.destroy()))
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const close = async (): Promise<void> => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: `https://127.0.0.1:${port}/mutate`, targets, [Symbol.asyncDispose]: close }
}

/** A webhook that makes its certificate itself; replicas come by `start`. */
export async function openRealWebhook(home: AdmissionHome, { hostNetwork, settings: common = {}, templates = {} }: InjectionOptions) {
  await using scope = new AsyncDisposableStack()
  const { clients, name } = home
  const directory = await mkdtemp(join(tmpdir(), 'admission-'))
  scope.defer(() => rm(directory, { recursive: true }))
  const apiTokenFile = join(directory, 'token')
  scope.use(await applyGuard(name))
  await writeFile(apiTokenFile, await allow(home, scope), { mode: 0o600 })
  const service = scope.use(await openService())
  scope.use(await registerWebhook(home, { url: service.url }))
  const replicas = scope.use(new AsyncDisposableStack())
  const places = { apiServer: clients.cluster.apiServer, apiCa: clients.cluster.caFile, apiTokenFile, listen: '127.0.0.1:0', adminListen: '127.0.0.1:0' }

  const readConfigMap = async (): Promise<string> => initConfig({ annotationTrigger: TRIGGER, ...templates })

  const start = async (podName: string, settings: Readonly<Record<string, string>> = {}) => {
    const file = { ...places, podName, hostNetwork, webhookConfiguration: name, serverNames: '127.0.0.1', bundleInterval: '500ms', bundleSettle: '3s', ...common, ...settings }
    const reading = readProgram(program, { argv: [], env: {}, version: '', file })
    if (reading.kind === 'print') throw new Error('not meant to print')
    const metrics = createMetrics('initializer')
    const replica = await startInitializer(reading.settings, { clock: systemClock, log: createLogger('initializer', { level: 'silent' }), metrics, readConfigMap })
    replicas.use(replica)
    await eventually(`replica ${podName} is trusted`, async () => ((await fetch(`${replica.adminUrl}/readyz`)).ok ? true : undefined))
    const port = Number(new URL(replica.url).port)
    service.targets.push(port)
    const used = async (): Promise<number> => (await metrics.registry.getSingleMetric('athenz_initializer_certificates_used_total')?.get())?.values[0]?.value ?? 0
    const stop = async (): Promise<void> => {
      service.targets.splice(service.targets.indexOf(port), 1)
      await replica[Symbol.asyncDispose]()
    }
    return { used, stop }
  }
  const parts = scope.move()
  return { start, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
