/** An admission webhook on loopback for the contract suite: answers with what the test says, and remembers its reviews. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type AdmissionAnswer, type AdmissionRequest, parseAdmissionReview } from '../admission.ts'
import { loopbackCredentials } from './loopback-credentials.ts'

export interface TestWebhook extends AsyncDisposable {
  readonly url: string
  /** For `clientConfig`. */
  readonly caBundle: string
  readonly seen: readonly SeenReview[]
  answer: (request: AdmissionRequest) => unknown
}

export interface SeenReview {
  readonly path: string
  readonly userAgent: string
  readonly request: AdmissionRequest
}

export async function startTestWebhook(answer: (request: AdmissionRequest) => AdmissionAnswer): Promise<TestWebhook> {
  const { keyPem, certPem, caPem } = await loopbackCredentials()
  const seen: SeenReview[] = []
  const server = createServer({ key: keyPem, cert: certPem }, (request, response) => {
    const parts: Uint8Array[] = []
    request.on('data', (part: Uint8Array) => parts.push(part))
    request.on('end', () => {
      const parsed = parseAdmissionReview(JSON.parse(Buffer.concat(parts).toString('utf8')))
      seen.push({ path: request.url ?? '', userAgent: request.headers['user-agent'] ?? '', request: parsed })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(webhook.answer(parsed)))
    })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve())
  })
  const webhook: TestWebhook = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/mutate`,
    caBundle: Buffer.from(caPem).toString('base64'),
    seen,
    answer,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return webhook
}
