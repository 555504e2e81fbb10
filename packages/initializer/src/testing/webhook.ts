/** The initializer on loopback with templates of the test's, and an API server's way of asking it. */
import { readSettings } from '@pallas/config/testing'
import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { clientDispatcher } from '@pallas/service'
import { tlsDirectory } from '@pallas/service/testing'
import { TestCa } from '@pallas/x509/testing'
import { request } from 'undici'
import { program, startInitializer } from '../index.ts'
import { initConfig, TRIGGER } from './init-config.ts'

export interface WebhookOptions {
  readonly text?: string | undefined
  /** Flags besides those for files and addresses. */
  readonly argv?: readonly string[]
  /** The pair to serve with, of `ca`; by default a new one of a new authority. */
  readonly pair?: { readonly ca: TestCa; readonly keyFile: string; readonly certFile: string }
}

export interface Reviewed {
  readonly uid: string
  readonly allowed: boolean
  readonly patch?: string
  readonly patchType?: string
  readonly status?: { readonly message: string }
  readonly warnings?: readonly string[]
}

export async function openWebhook(options: WebhookOptions = {}) {
  const text = 'text' in options ? options.text : initConfig()
  await using scope = new AsyncDisposableStack()
  const ca = options.pair?.ca ?? (await TestCa.create())
  const files = options.pair ?? scope.use(await tlsDirectory(ca, { commonName: 'initializer', ip: ['127.0.0.1'] }))
  const places = [`--key=${files.keyFile}`, `--cert=${files.certFile}`, '--listen=127.0.0.1:0', '--admin-listen=127.0.0.1:0']
  const settings = readSettings(program, { argv: [...places, ...(options.argv ?? [])], file: { drain: '0s' } })
  const memory = memoryLog()
  const metrics = testMetrics()
  const deps = { clock: systemClock, log: memory.log, metrics, readConfigMap: async () => text }
  const initializer = scope.use(await startInitializer(settings, deps))
  const { url, adminUrl } = initializer
  const dispatcher = scope.use(clientDispatcher({ ca: ca.certPem }))
  const parts = scope.move()
  /** Sends a body as it is, or as JSON. */
  const post = async (body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await request(`${url}/mutate?timeout=10s`, { method: 'POST', dispatcher, headers, body: sent })
    return { status: answer.statusCode, body: (await answer.body.json()) as { response?: Reviewed; code?: string } }
  }
  return { ca, url, adminUrl, dispatcher, post, memory, metrics, stop: () => initializer[Symbol.asyncDispose](), [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

export type Webhook = Awaited<ReturnType<typeof openWebhook>>

export const REVIEW_UID = '334b4d84-493e-4456-8f12-2bf12b010948'
export const POD_RESOURCE = { group: '', version: 'v1', resource: 'pods' }
export const asking = { annotations: { [TRIGGER]: 'true' }, generateName: 'web-' }
export const plainSpec = { containers: [{ name: 'app', image: 'app' }] }

/** As an API server writes it for a pod made from a template: no name, no namespace in the object, no uid. */
export const reviewOf = (object: unknown, changes: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: REVIEW_UID,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: POD_RESOURCE,
    namespace: 'media',
    operation: 'CREATE',
    userInfo: { username: 'someone' },
    object,
    oldObject: null,
    ...changes,
  },
})
