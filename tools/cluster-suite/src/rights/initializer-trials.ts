/** The initializer: a replica that starts is ready only when it has its templates, and the API server trusts it. */
import { eventually, getPod, type PodObject } from '@pallas/suite'
import { ADMIN_NAMESPACE } from '../world/names.ts'
import { untilReady } from '../world/replicas.ts'
import { problemsOf, replaceOne } from './replicas.ts'
import type { Trial, Trials } from './trial.ts'

/** Of a program that somebody else keeps from its work. */
const UNAVAILABLE = 75
const FORBIDDEN = 'the webhook configuration may not be read or written by this account'

/** The replica runs, and says of itself that nobody need trust it. */
const untrusted: Trial = async ({ it }) => {
  const replica = await replaceOne('initializer')
  await eventually('an initializer that may not tell of itself', async () => (await problemsOf(replica))?.['trust'] === FORBIDDEN || undefined, it.deadlineMs)
  return () => untilReady('initializer')
}

export const initializerTrials: Trials = {
  async 'get configmaps'({ it }) {
    const { name } = await replaceOne('initializer')
    const end = await eventually('the end of an initializer without templates', async () => endOf(await getPod(it, { namespace: ADMIN_NAMESPACE, name })), it.deadlineMs)
    if (end.exitCode !== UNAVAILABLE) throw new Error(`it ended with ${end.exitCode}`)
    return () => untilReady('initializer')
  },
  'get mutatingwebhookconfigurations': untrusted,
  'patch mutatingwebhookconfigurations': untrusted,
}

interface Terminated {
  readonly exitCode: number
}

interface Report {
  readonly name: string
  readonly state?: { readonly terminated?: Terminated }
  readonly lastState?: { readonly terminated?: Terminated }
}

function endOf({ status }: PodObject): Terminated | undefined {
  const reports = (status?.['containerStatuses'] ?? []) as readonly Report[]
  const main = reports.find(({ name }) => name === 'main')
  return main?.state?.terminated ?? main?.lastState?.terminated
}
