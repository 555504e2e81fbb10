/** Every bench, in the order in which they run. */
import type { Bench } from './bench.ts'
import { driverBench } from './benches/driver.ts'

export const BENCHES: readonly Bench[] = [driverBench]
