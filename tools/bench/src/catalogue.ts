/** Every bench, in the order in which they run. */
import type { Bench } from './bench.ts'
import { burstBench } from './benches/burst.ts'
import { confirmationsBench } from './benches/confirmations.ts'
import { documentsBench } from './benches/documents.ts'
import { driverBench } from './benches/driver.ts'
import { herdBench } from './benches/herd.ts'
import { siaInitBench } from './benches/sia-init.ts'
import { webhookBench } from './benches/webhook.ts'

export const BENCHES: readonly Bench[] = [
  driverBench,
  siaInitBench,
  burstBench,
  webhookBench,
  documentsBench,
  confirmationsBench,
  herdBench,
]
