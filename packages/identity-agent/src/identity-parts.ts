/** Subject and issue: what a request comes to once its caller is known. */
import { createPace } from '@pallas/service'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { createCertificateCheck } from './certificate-check.ts'
import { fileContexts } from './contexts.ts'
import { type Bound, createInFlight, type InFlightLimits } from './in-flight.ts'
import { createIssue, type Issue, type IssueDeps } from './issue.ts'
import { keyMaker } from './make-key.ts'
import { createPods } from './pods.ts'
import type { Doors, ServeSettings } from './serve.ts'
import { createSubjects, type Subject, type Subjects } from './subjects.ts'

/** Enough for every pod of a full node at once; nobody's share is another's. */
const ISSUING: InFlightLimits = { perInstance: 32, perNamespace: 512, most: 1_024, running: 64, runningPerNamespace: 48 }
/** No more at once than there are threads for it. */
const COMPUTING: InFlightLimits = { ...ISSUING, running: 4, runningPerNamespace: 3 }
/** How often one instance may ask: in a row, and then in the interval of the settings. */
const BURST = 30
/** All of a namespace together: enough for a node full of pods that start at once, and then for so many at that interval. */
const NAMESPACE = { burst: 600, pods: 120 } as const

export interface IdentityPartsDeps extends Doors {
  readonly volumesOf: IssueDeps['volumesOf']
}

export function identityParts(settings: ServeSettings, config: () => ClusterConfig, doors: IdentityPartsDeps): { subjects: Subjects; issue: Issue } {
  const { clock, keys, kubelet, documents, zts, events, volumesOf } = doors
  const contexts = fileContexts
  const pods = createPods({ kubelet, clock, waitMs: settings.podIpTimeout })
  const onOverflow = (subject: Subject, bound: Bound) => events.issueOverflowed(subject, bound)
  const subjects = createSubjects({ pods, contexts, rules: config })
  return {
    subjects,
    issue: createIssue({
      documents,
      zts,
      keys,
      makeKey: keyMaker(settings.keyAlgorithm, keys),
      check: createCertificateCheck({ roots: () => config().trustRoots.athenzService, verify: (it) => keys.verify(it), clock }),
      contexts,
      volumesOf,
      subjects,
      inFlight: createInFlight({ ...ISSUING, clock, onOverflow }),
      computing: createInFlight({ ...COMPUTING, clock, onOverflow }),
      pace: createPace({ clock, burst: BURST, refillMs: settings.issueInterval }),
      namespacePace: createPace({ clock, burst: NAMESPACE.burst, refillMs: settings.issueInterval / NAMESPACE.pods }),
      events,
      clock,
      lifeMs: settings.certificateLife,
      cluster: () => ({
        provider: config().providerService,
        roots: config().trustRoots.athenzService,
        sendNamespace: config().spiffeForm === 'trust-domain',
      }),
    }),
  }
}
