/** Demo attacker: presents the handle of another pod on a socket. Arguments: the socket, the stolen handle. */
import { request } from 'node:http'

const [socketPath = '', handle = ''] = process.argv.slice(2)
const options = { socketPath, path: `/v1/init/${handle}`, method: 'POST', timeout: 5_000 }

const attack = request(options, (response) => {
  let body = ''
  response.setEncoding('utf8').on('data', (part: string) => (body += part))
  response.on('end', () => console.log(JSON.stringify({ status: response.statusCode, body: JSON.parse(body) })))
})
attack.on('timeout', () => attack.destroy(new Error('no answer in time')))
attack.on('error', (error) => {
  console.log(JSON.stringify({ error: error.message }))
  process.exitCode = 1
})
attack.end()
