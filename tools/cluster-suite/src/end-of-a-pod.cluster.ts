import { describeEndOfAPod } from '@pallas/suite/contract'
import { openWorld } from './world/open-world.ts'

describeEndOfAPod('a real cluster', openWorld)
