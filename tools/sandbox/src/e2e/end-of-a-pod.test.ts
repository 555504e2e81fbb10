import { describeEndOfAPod } from '@pallas/suite/contract'
import { openCluster } from './open-cluster.ts'
import { moveProvider } from './upstream.ts'

// ZTS asks the other callback when the first pod has ended: each of the two must know of it.
describeEndOfAPod('the sandbox', () => openCluster({ replicas: 2 }), ({ cluster }) => moveProvider(cluster, 'callback-2'))
