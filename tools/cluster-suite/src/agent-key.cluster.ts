import { describeAgentKey } from '@pallas/suite/contract'
import { openWorld } from './world/open-world.ts'

describeAgentKey('a real cluster', () => openWorld({ refreshInterval: '1s', keyOrigin: 'agent' }))
