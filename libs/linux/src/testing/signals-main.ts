/** Waits for its signal to abort, says so, then waits to be killed. For the test of `nodeInvocation`. */
import { nodeHost } from '../node-host.ts'
import { nodeInvocation } from '../invocation.ts'

const invocation = nodeInvocation(process)
invocation.out(`ready ${invocation.argv.join(' ')} ${invocation.env['SAID']}\n`)
const { clock } = nodeHost()
await clock.sleep(60_000, invocation.signal).catch((reason: unknown) => invocation.err(`${String(reason)}\n`))
await clock.sleep(60_000)
