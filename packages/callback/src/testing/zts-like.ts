/** Asks a callback in the bytes of a real ZTS: TLS 1.2, a connection for each call, a chunked body. */
import type { IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import type { Pod } from '@pallas/identity'
import { PROVIDER } from './world.ts'

export interface Asking extends RequestOptions {
  readonly url: string
  readonly ca: string
  readonly pair?: { readonly keyPem: string; readonly certPem: string }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** An object is sent as JSON. */
export async function ask(path: string, body: unknown, { url, ca, pair, ...other }: Asking): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = httpsRequest(`${url}${path}`, {
    method: 'POST',
    agent: false,
    maxVersion: 'TLSv1.2',
    ca,
    ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }),
    // The callback is known by its common name: `localhost` is not what ZTS would check.
    checkServerIdentity: (_host, { subject }) => (subject.CN === PROVIDER ? undefined : new Error('another provider')),
    headers: { 'content-type': 'application/json' },
    ...other,
  })
  request.once('error', reject)
  request.once('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject)
    response.once('end', () => {
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers, text: Buffer.concat(chunks).toString() })
    })
  })
  request.write(typeof body === 'string' ? body : JSON.stringify(body))
  request.end()
  return promise
}

/** What ZTS says of a pod with exactly the names that are due to it. */
export const confirmationOf = (pod: Pod, attestationData: string | null, attributes: Record<string, string> = {}) => ({
  provider: PROVIDER,
  domain: 'media.on-air',
  service: 'web',
  attestationData,
  attributes: {
    instanceId: pod.uid,
    clientIP: '10.9.8.7',
    sanDNS: `web.media-on-air.svc.cluster.local,${pod.uid}.instanceid.athenz.svc.cluster.local`,
    sanIP: pod.ip,
    sanURI: 'spiffe://media.on-air/sa/web',
    ...attributes,
  },
})
