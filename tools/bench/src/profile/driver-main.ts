/** The volume driver, ended in the ordinary way: its own program ends so abruptly that no profiler gets to write. */
import { nodeHost, nodeInvocation } from '@pallas/linux'
import { runDriver } from '@pallas/volume-driver'

await runDriver(nodeHost(), nodeInvocation(process))
