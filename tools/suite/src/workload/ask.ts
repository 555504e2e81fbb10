/** A caller by hand: one request to the agent, the path sent as it is. Arguments: the socket, the method, the path, and the body if there is one. */
import { overSocket } from '../calls.ts'

const [socketPath = '', method = '', path = '', body] = process.argv.slice(2)
const { status, text } = await overSocket(socketPath, method, path, body)
console.log(JSON.stringify({ status, text }))
