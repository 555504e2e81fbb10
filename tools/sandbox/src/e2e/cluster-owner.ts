/** Brings up a cluster with a pod, says where, and stays: a process for tests to kill. */
import { launch, openCluster, request } from './open-cluster.ts'

const it = await openCluster()
await launch(it.cluster, request('web-0'))
await launch(it.cluster, request('stubborn-0', { identity: false, command: ['sh', '-c', 'trap "" TERM; sleep 60 & sleep 60'] }))
process.stdout.write(`${it.cluster.state.dir}\n`)
setInterval(() => undefined, 60_000)
