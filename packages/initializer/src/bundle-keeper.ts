import { isKubernetesError, type KubeApi, readWebhookRoots, replaceWebhookRoots, type WebhookRoots } from '@pallas/kubernetes'
import type { Clock } from '@pallas/runtime'
import { type BundleNeeds, type BundlePlan, planBundle, readerOfBlocks } from './ca-bundle.ts'
import type { BundleEvents } from './bundle-events.ts'
import type { ServerClock } from './server-clock.ts'

export interface BundleKeeperOptions {
  readonly api: Pick<KubeApi, 'get' | 'patch'>
  /** Name of the webhook configuration. */
  readonly configuration: string
  readonly clock: Pick<Clock, 'now' | 'random' | 'sleep'>
  readonly serverClock: Pick<ServerClock, 'now' | 'problem'>
  /** Of the certificates of this replica. */
  readonly lifeMs: number
  readonly events: Pick<BundleEvents, 'bundleWritten' | 'bundleConflict' | 'bundleSeen'>
}

export type Kept =
  | { readonly kind: 'kept'; readonly added: number }
  | {
      readonly kind: 'failed'
      readonly code: string
      /** In words, for who asks why we are not ready. */
      readonly problem: string
      /** Whether something of ours was seen to be lacking; undefined when nothing was seen. */
      readonly isLacking: boolean | undefined
      readonly cause?: unknown
    }

/** What a replica knows of itself. */
type OwnNeeds = Pick<BundleNeeds, 'wanted' | 'retired' | 'formerOf'>

export type BundleKeeper = (needs: OwnNeeds, signal?: AbortSignal) => Promise<Kept>

const ATTEMPTS = 8
const LONGEST_PAUSE_MS = 400

/** One look at the bundle of each webhook, and a write where it is not what it must be. Rejects only when it is asked to end. */
export function createBundleKeeper({ api, configuration, clock, serverClock, lifeMs, events }: BundleKeeperOptions): BundleKeeper {
  const readBlock = readerOfBlocks()

  async function attempt(needs: OwnNeeds, signal: AbortSignal | undefined): Promise<Kept | 'conflict'> {
    let isLacking: boolean | undefined
    try {
      const seen = await readWebhookRoots(api, configuration, signal)
      if (seen === undefined || seen.bundles.length === 0) return failed('KUBE_NOT_FOUND', 'there is no webhook configuration of that name', true)
      const doubt = serverClock.problem()
      // Others would take away again what is over to them.
      if (doubt !== undefined && needs.wanted.length > 0) return failed('CLOCK_DIFFERS', doubt, undefined)
      const all = { ...needs, now: clock.now(), serverNow: serverClock.now(), lifeMs }
      const plans = seen.bundles.map((bundle) => planBundle(bundle, all, readBlock))
      const done = plans.flatMap((plan) => (plan.kind === 'plan' ? [plan] : []))
      isLacking = done.length < plans.length || done.some(({ added }) => added > 0)
      if (done.length < plans.length) return failed('BUNDLE_FULL', 'the bundle of the webhook configuration has no room for one more authority', isLacking)
      return await write(seen, done, signal)
    } catch (cause) {
      if (signal?.aborted) throw cause
      const code = isKubernetesError(cause) ? cause.code : 'KUBE_BAD_ANSWER'
      return { ...failed(code, PROBLEMS[code] ?? 'the webhook configuration cannot be read or written', isLacking), cause }
    }
  }

  async function write(seen: WebhookRoots, plans: readonly Done[], signal: AbortSignal | undefined): Promise<Kept | 'conflict'> {
    const bundles = plans.map(({ bundle }) => bundle)
    const [added, removed] = [most(plans, 'added'), most(plans, 'removed')]
    if (!(await replaceWebhookRoots(api, configuration, { seen, bundles }, signal))) return 'conflict'
    events.bundleSeen(most(plans, 'entries'))
    if (added > 0) events.bundleWritten('added')
    if (removed > 0) events.bundleWritten('removed')
    return { kind: 'kept', added }
  }

  return async (needs, signal) => {
    for (let left = ATTEMPTS; left > 0; left--) {
      const outcome = await attempt(needs, signal)
      if (outcome !== 'conflict') return outcome
      events.bundleConflict()
      await clock.sleep(clock.random() * LONGEST_PAUSE_MS, signal)
    }
    return failed('KUBE_CONFLICT', 'others kept changing the webhook configuration', undefined)
  }
}

type Done = Extract<BundlePlan, { kind: 'plan' }>

const most = (plans: readonly Done[], what: 'added' | 'removed' | 'entries'): number => Math.max(...plans.map((plan) => plan[what]))

const failed = (code: string, problem: string, isLacking: boolean | undefined): Extract<Kept, { kind: 'failed' }> => ({ kind: 'failed', code, problem, isLacking })

const PROBLEMS: Readonly<Record<string, string>> = {
  KUBE_FORBIDDEN: 'the webhook configuration may not be read or written by this account',
  KUBE_UNAUTHORIZED: 'the api server does not take the token of this account',
  KUBE_UNREACHABLE: 'the api server cannot be reached',
  KUBE_TIMEOUT: 'the api server does not answer in time',
  KUBE_BUSY: 'the api server is busy',
}
