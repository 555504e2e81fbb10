/** Every bench, in the order in which they run. */
import type { Bench } from './bench.ts'
import { agentMemoryBench } from './benches/agent-memory.ts'
import { burstBench } from './benches/burst.ts'
import { confirmationsBench } from './benches/confirmations.ts'
import { documentsBench } from './benches/documents.ts'
import { driverBench } from './benches/driver.ts'
import { endOfPodBench } from './benches/end-of-pod.ts'
import { herdBench } from './benches/herd.ts'
import { refresherMemoryBench } from './benches/refresher-memory.ts'
import { siaInitBench } from './benches/sia-init.ts'
import { tokenEndpointBench } from './benches/token-endpoint.ts'
import { tornReadsBench } from './benches/torn-reads.ts'
import { webhookBench } from './benches/webhook.ts'

export const BENCHES: readonly Bench[] = [
  driverBench,
  siaInitBench,
  burstBench,
  refresherMemoryBench,
  agentMemoryBench,
  webhookBench,
  documentsBench,
  confirmationsBench,
  tokenEndpointBench,
  endOfPodBench,
  herdBench,
  tornReadsBench,
]
