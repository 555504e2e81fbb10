/** What takes some ten seconds of waiting each and disturbs nobody, so that it can go on beside other tests: told in facts, for them to judge. */
import { setTimeout as sleep } from 'node:timers/promises'
import { makePod } from '@pallas/initializer/testing/contract'
import { MUTATING_WEBHOOKS, pathOf, readWebhookRoots } from '@pallas/kubernetes'
import { eventually } from '@pallas/suite'
import { type AdmissionHome, openAdmissionHome, openRealWebhook, TRIGGER } from './replicas.ts'

const worldOf = ({ admin, namespace }: AdmissionHome) => ({ admin, namespace, trigger: TRIGGER, reorder: () => Promise.reject(new Error('nobody else is here')), [Symbol.asyncDispose]: async () => undefined })

const CLIENTS = 4
/** Between two calls of one client: calls all the time, and a machine that has time for more. */
const PAUSE_MS = 20

/** Pods made for show by several clients, until disposed. */
function load(home: AdmissionHome) {
  const seen = { calls: 0, failures: [] as unknown[] }
  const stop = new AbortController()
  const client = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const outcome = await makePod(worldOf(home)).catch((error: unknown) => error)
      seen.calls++
      if (!JSON.stringify(outcome).includes('"sia-init"')) seen.failures.push(outcome)
      await sleep(PAUSE_MS)
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)
  return Object.assign(seen, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(clients)
    },
  })
}

const untilInjected = (home: AdmissionHome): Promise<true> =>
  eventually('pods are injected', async () => ((await makePod(worldOf(home)).catch(() => undefined))?.kind === 'made' ? true : undefined))

const entriesOf = async ({ admin, name }: AdmissionHome): Promise<number> =>
  (await readWebhookRoots(admin, name))?.bundles[0]?.match(/BEGIN CERTIFICATE/g)?.length ?? 0

export interface Renewals {
  readonly calls: number
  readonly failures: readonly unknown[]
  /** Authorities in the bundle afterwards. */
  readonly entries: number
}

/** Two replicas renew, a third comes and one of them goes, under load all the time. */
export async function renewUnderLoad(): Promise<Renewals> {
  await using home = await openAdmissionHome()
  await using webhook = await openRealWebhook(home, { hostNetwork: 'refuse' })
  const quick = { certificateLife: '16s' }
  const [first, second] = await Promise.all([webhook.start('web-a', quick), webhook.start('web-b', quick)])
  await untilInjected(home)
  const running = load(home)
  await using _load = running
  await eventually('both have renewed', async () => ((await first.used()) >= 3 && (await second.used()) >= 3 ? true : undefined), 60_000)
  const late = await webhook.start('web-c', quick)
  await first.stop()
  await eventually('the new one has renewed', async () => ((await late.used()) >= 2 ? true : undefined), 60_000)
  await running[Symbol.asyncDispose]()
  return { calls: running.calls, failures: running.failures, entries: await entriesOf(home) }
}

export interface Healing {
  readonly before: string
  readonly after: string
}

/** Somebody empties the bundle of two replicas. Resolves when both are trusted again. */
export async function healBundle(): Promise<Healing> {
  await using home = await openAdmissionHome()
  await using webhook = await openRealWebhook(home, { hostNetwork: 'refuse' })
  await Promise.all(['web-a', 'web-b'].map((name) => webhook.start(name)))
  const path = pathOf(MUTATING_WEBHOOKS, { name: home.name })
  const before = withoutBundle(await home.admin.get(path))
  await home.admin.patch(path, { kind: 'json', patch: [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }] })
  await eventually('both are back', async () => ((await entriesOf(home)) === 2 ? true : undefined), 10_000)
  await untilInjected(home)
  return { before, after: withoutBundle(await home.admin.get(path)) }
}

export const withoutBundle = (object: object): string =>
  JSON.stringify(object, (key, value: unknown) => (['caBundle', 'resourceVersion', 'generation', 'managedFields'].includes(key) ? undefined : value))
