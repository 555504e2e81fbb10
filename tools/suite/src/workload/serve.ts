/** Demo workload: serves mutual TLS with the pod's identity and tells each caller both names. Arguments: directory of the credentials, port. */
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { readCredentials } from './credentials.ts'

const [dir = '', port = ''] = process.argv.slice(2)
const { key, cert, ca } = readCredentials(dir)
const tls = { key, cert, ca, requestCert: true, rejectUnauthorized: true }

const server = createServer(tls, (request, response) => {
  const caller = String((request.socket as TLSSocket).getPeerCertificate().subject.CN)
  console.log(`served ${caller}`)
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ youAre: caller }))
})
server.listen(Number(port), process.env['POD_IP'], () => console.log('serving'))
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
