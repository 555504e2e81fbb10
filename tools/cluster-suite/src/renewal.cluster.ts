import { describeRenewal } from '@pallas/suite/contract'
import { openWorld } from './world/open-world.ts'

describeRenewal('a real cluster', () => openWorld({ refreshInterval: '1s' }))
