import { describeRefusals } from '@pallas/suite/contract'
import { openWorld } from './world/open-world.ts'

describeRefusals('a real cluster', openWorld)
