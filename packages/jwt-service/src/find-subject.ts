/**
 * What an agent may be told of a pod: from a watch that says yes, and otherwise from the API server, asked live.
 *
 * The watch may be behind by some seconds. It is believed all the same, because
 *
 * - it only ever says yes. A pod that it does not know, or knows to differ from what the agent says of it in anything at
 *   all, or to be ending, is asked for live, and so is every pod while the watch is silent, has a gap, or has not begun;
 *   only that answer refuses. Old news denies nobody;
 * - no pod can be another's by old news. It is the very pod that the agent names by UID, and its namespace, name, service
 *   account and node stay as they are for as long as that UID lives: what was once on a node was never on another one;
 * - what may have changed meanwhile, its address or that it has ended, is not what this document decides. It goes to the
 *   callback, which takes every fact in it only when the API server shows the same at that moment (rule 5 of the design).
 *
 * Hence a document may be signed while the API server is away, for as long as the watch counts; nothing comes of it
 * before the callback has the answer of the API server itself.
 */
import { IdentityError, type NameRules, type Pod, podState, type PodSubject } from '@pallas/identity'
import type { SubjectRequest } from '@pallas/wire'
import { checkSubject } from './check-subject.ts'

export interface FindSubjectDeps {
  /** Undefined: ask. */
  readonly watchedPod: (uid: string) => Pod | undefined
  /** As the API server shows it now, from no cache. Throws `API_UNAVAILABLE`. */
  readonly findPod: (pod: { readonly namespace: string; readonly name: string }) => Promise<Pod | undefined>
  /** As the configuration says now. */
  readonly names: () => NameRules
}

export interface FoundSubject {
  readonly subject: PodSubject
  /** Of the pod. */
  readonly uid: string
  readonly seen: Seen
}

/** Where the pod was seen. */
export type Seen = 'watch' | 'live'

/** The subject to sign for the agent of `node`. Throws `IdentityError` with the reason when there is none. */
export async function findSubject(asked: SubjectRequest, node: string, deps: FindSubjectDeps): Promise<FoundSubject> {
  const watched = watchedSubject(asked, node, deps)
  if (watched !== undefined) return watched
  const pod = await deps.findPod(asked)
  if (pod === undefined) throw new IdentityError('POD_UNKNOWN', 'no such pod')
  return { subject: checkSubject(asked, pod, node, deps.names()), uid: pod.uid, seen: 'live' }
}

/** Undefined whenever the watch does not show exactly what was asked. */
function watchedSubject(asked: SubjectRequest, node: string, deps: FindSubjectDeps): FoundSubject | undefined {
  // Without a UID nothing says that the pod of that name is still the one that is known here.
  const pod = asked.uid === undefined ? undefined : deps.watchedPod(asked.uid)
  if (pod === undefined || podState(pod) !== 'live') return undefined
  if (pod.namespace !== asked.namespace || pod.name !== asked.name) return undefined
  try {
    return { subject: checkSubject(asked, pod, node, deps.names()), uid: pod.uid, seen: 'watch' }
  } catch (error) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}
