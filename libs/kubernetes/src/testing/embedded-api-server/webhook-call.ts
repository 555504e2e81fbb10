/** One call of an admission webhook as a real API server makes it, and the words it finds when that fails. */
import { Client } from 'undici'
import { isObject, parseJson } from '../../json.ts'
import { type Json, peekAt, textAt } from './object.ts'

/** Where a webhook given by `service` is reached; undefined: it has no endpoints. */
export type Endpoints = (service: { readonly namespace: string; readonly name: string }) => string | undefined

/** The webhook gave no answer that can be used: `failurePolicy` decides. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure'
}

const CALL = 'failed to call webhook: '
const ANSWER_LIMIT_BYTES = 3 * 1024 * 1024

/** The `response` of the review, its `uid` checked. Throws `WebhookFailure`. */
export async function callWebhook(
  webhook: Json,
  review: { request: { uid: string } },
  endpoints: Endpoints,
): Promise<Json> {
  const timeoutSeconds = typeof webhook['timeoutSeconds'] === 'number' ? webhook['timeoutSeconds'] : 10
  const query = `?timeout=${timeoutSeconds}s`
  const { origin, told, path, serverName } = placeOf(peekAt(webhook, 'clientConfig'), query, endpoints)
  const caBundle = textAt(peekAt(webhook, 'clientConfig'), 'caBundle')
  const url = `${told}${path}${query}`
  const client = new Client(origin, {
    allowH2: false,
    connect: {
      ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString('utf8') }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  })
  const signal = AbortSignal.timeout(timeoutSeconds * 1_000)
  try {
    const answer = await client.request({
      method: 'POST',
      path: path + query,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'user-agent': 'kube-apiserver-admission',
      },
      body: JSON.stringify(review),
      signal,
    })
    answer.body.on('error', () => undefined)
    const text = await readBounded(answer.body)
    if (answer.statusCode !== 200) throw new WebhookFailure(statusText(answer.statusCode, text))
    return responseOf(parseJson(text), review.request.uid)
  } catch (error) {
    if (error instanceof WebhookFailure) throw error
    throw new WebhookFailure(`${CALL}Post ${JSON.stringify(url)}: ${reasonOf(error, signal)}`)
  } finally {
    await client.destroy()
  }
}

/** `told` is what an error calls it: a service goes by its name and port. */
function placeOf(config: Json, query: string, endpoints: Endpoints) {
  const url = textAt(config, 'url')
  if (url !== '') {
    const { origin, pathname } = new URL(url)
    return { origin, told: origin, path: pathname, serverName: undefined }
  }
  const service = peekAt(config, 'service')
  const [namespace, name] = [textAt(service, 'namespace'), textAt(service, 'name')]
  const address = endpoints({ namespace, name })
  const serverName = `${name}.${namespace}.svc`
  const port = service['port']
  const told = `https://${serverName}:${typeof port === 'number' ? port : 443}`
  const path = textAt(service, 'path') || '/'
  if (address !== undefined) return { origin: `https://${address}`, told, path, serverName }
  const post = JSON.stringify(`${told}${path}${query}`)
  throw new WebhookFailure(`${CALL}Post ${post}: no endpoints available for service ${JSON.stringify(name)}`)
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > ANSWER_LIMIT_BYTES) throw new WebhookFailure(`${CALL}response body is too large`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const statusText = (status: number, body: string): string =>
  status >= 500
    ? `${CALL}an error on the server (${JSON.stringify(body.slice(0, 200))}) has prevented the request from succeeding`
    : `${CALL}the server could not find the requested resource`

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'context deadline exceeded'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'dial tcp: connect: connection refused'
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code))
    return 'tls: failed to verify certificate: x509: certificate is not valid here'
  return 'EOF'
}

function responseOf(answer: unknown, uid: string): Json {
  if (!isObject(answer)) throw new WebhookFailure('could not get object from the response: not a json object')
  if (answer['kind'] !== 'AdmissionReview' || answer['apiVersion'] !== 'admission.k8s.io/v1') {
    throw new WebhookFailure('expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview')
  }
  if (!isObject(answer['response'])) throw new WebhookFailure('webhook response was absent')
  const response = answer['response'] as Json
  const got = textAt(response, 'uid')
  if (got !== uid) throw new WebhookFailure(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`)
  const [patch, patchType] = [textAt(response, 'patch'), textAt(response, 'patchType')]
  if (patch !== '' && patchType === '')
    throw new WebhookFailure('webhook returned response.patch but not response.patchType')
  if (patch === '' && patchType !== '')
    throw new WebhookFailure('webhook returned response.patchType but not response.patch')
  if (patchType !== '' && patchType !== 'JSONPatch')
    throw new WebhookFailure(`invalid value of invalid webhook response: ${patchType}`)
  return response
}
