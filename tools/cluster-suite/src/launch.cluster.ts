import { describeLaunch } from '@pallas/suite/contract'
import { openWorld } from './world/open-world.ts'

describeLaunch('a real cluster', openWorld)
