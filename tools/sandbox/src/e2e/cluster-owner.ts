/** Brings up a cluster with a pod, says where, and stays: a process for tests to kill. */
import { launch, request } from '@pallas/suite'
import { openCluster } from './open-cluster.ts'

const it = await openCluster()
await launch(it, request(it, 'web-0'))
await launch(it, request(it, 'stubborn-0', { identity: false, command: ['sh', '-c', 'trap "" TERM; sleep 60 & sleep 60'] }))
process.stdout.write(`${it.cluster.state.dir}\n`)
setInterval(() => undefined, 60_000)
