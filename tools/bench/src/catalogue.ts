/** Every bench, in the order in which they run. */
import type { Bench } from './bench.ts'
import { burstBench } from './benches/burst.ts'
import { driverBench } from './benches/driver.ts'
import { siaInitBench } from './benches/sia-init.ts'

export const BENCHES: readonly Bench[] = [driverBench, siaInitBench, burstBench]
