/** Demo workload: calls another pod over mutual TLS and prints whom it reached and as whom. Arguments: directory of the credentials, host, port, and which certificate if not the service's. */
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { readCredentials } from './credentials.ts'

const [dir = '', host = '', port = '', certName] = process.argv.slice(2)
const { key, cert, ca } = readCredentials(dir, certName)
const start = performance.now()

const call = request({ host, port, key, cert, ca, timeout: 5_000, agent: false }, (response) => {
  const server = (response.socket as TLSSocket).getPeerCertificate().subject.CN
  let body = ''
  response.setEncoding('utf8').on('data', (part: string) => (body += part))
  response.on('end', () => console.log(JSON.stringify({ server, ms: performance.now() - start, ...JSON.parse(body) })))
})
call.on('timeout', () => call.destroy(new Error('no answer in time')))
call.on('error', (error) => {
  console.log(JSON.stringify({ error: error.message }))
  process.exitCode = 1
})
call.end()
