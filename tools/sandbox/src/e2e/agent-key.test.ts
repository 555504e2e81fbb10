import { describeAgentKey } from '@pallas/suite/contract'
import { openCluster } from './open-cluster.ts'

describeAgentKey('the sandbox', () => openCluster({ refreshInterval: '1s', keyOrigin: 'agent' }))
