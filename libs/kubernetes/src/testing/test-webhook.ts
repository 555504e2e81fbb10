/** An admission webhook on loopback: answers with what the test says, and remembers its reviews. */
import { type AdmissionAnswer, type AdmissionRequest, parseAdmissionReview } from '../admission.ts'
import { loopbackCredentials } from './loopback-credentials.ts'
import { serveHttps } from './serve-https.ts'

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
  const credentials = await loopbackCredentials()
  const seen: SeenReview[] = []
  const server = await serveHttps(credentials, (request, response) => {
    const parts: Uint8Array[] = []
    request.on('data', (part: Uint8Array) => parts.push(part))
    request.on('end', () => {
      const parsed = parseAdmissionReview(JSON.parse(Buffer.concat(parts).toString('utf8')))
      seen.push({ path: request.url ?? '', userAgent: request.headers['user-agent'] ?? '', request: parsed })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(webhook.answer(parsed)))
    })
  })
  const webhook: TestWebhook = {
    url: `${server.url}/mutate`,
    caBundle: Buffer.from(credentials.caPem).toString('base64'),
    seen,
    answer,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
  return webhook
}
