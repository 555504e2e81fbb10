/** The callback: the verdict, the tokens of agents, and what ZTS is to forget. */
import { isKubernetesError, LEASES, pathOf } from '@pallas/kubernetes'
import { deletePod, eventually, isRunning, type PodObject, waitForPod } from '@pallas/suite'
import type { ZtsCall } from '@pallas/zts/testing'
import { ADMIN_NAMESPACE, LEASES_NAMESPACE } from '../world/names.ts'
import { kubectl } from '../kubectl.ts'
import { podsOf, untilReady } from '../world/replicas.ts'
import { metricOfAll, problemsOf } from './replicas.ts'
import { beginLaunch, type Failing, launched, type Scene, timesFailed, told, type Trial, type Trials } from './trial.ts'

/** The same words for a list and for what follows it: the API server says which. */
const brokenAt = (verb: 'list' | 'watch'): Failing => ({ message: 'watch of pods broken', code: 'KUBE_FORBIDDEN', detail: `cannot ${verb} resource` })
const UNREADABLE: Failing = { message: 'records of instances cannot be read', code: 'API_UNAVAILABLE' }
const NOT_DELETED = 'instance not deleted at zts yet'
const UNFORGOTTEN = 'unforgotten-0'
const UNDELETED = 'undeleted-0'

/** What has to run before the trials that end it. */
export const TO_END: readonly string[] = [UNFORGOTTEN, UNDELETED]

export const callbackTrials: Trials = {
  'get pods': unconfirmed('unconfirmed-0'),

  async 'list pods'(scene) {
    await replaceAll(scene)
    await failing(scene, brokenAt('list'))
    await endUnseen(scene, 'unlisted-0')
    // A replica that has read no list yet doubts no instance.
    return () => eventually('a callback that sees what has ended', async () => (await endingInstances()) > 0 || undefined, scene.it.deadlineMs)
  },

  async 'watch pods'(scene) {
    await failing(scene, brokenAt('watch'))
    await endUnseen(scene, 'unwatched-0')
    return async () => undefined
  },

  async 'create tokenreviews'({ it }) {
    const before = await failedReviews()
    const [agent] = await podsOf('identity-agent')
    if (agent === undefined) throw new Error('there is no agent')
    await kubectl(['delete', 'pod', agent.name, `--namespace=${ADMIN_NAMESPACE}`, '--wait=false'])
    await eventually('a token that nobody vouches for', async () => (await failedReviews()) > before || undefined, it.deadlineMs)
    await eventually('an agent that is not ready for want of a certificate', async () => {
      const next = (await podsOf('identity-agent')).find(({ uid, ip }) => uid !== agent.uid && ip !== '')
      const problems = next === undefined ? undefined : await problemsOf(next)
      return Object.values(problems ?? {}).some((problem) => problem.startsWith('no certificate of its own yet')) || undefined
    }, it.deadlineMs)
    return () => untilReady('identity-agent')
  },

  'create leases': unconfirmed('unrecorded-0'),

  async 'get leases'(scene) {
    const pod = await ended(scene, UNFORGOTTEN)
    await told(scene.it, 'callback', 'a record that cannot be looked up', (record) => record['msg'] === NOT_DELETED && record['instanceId'] === pod.metadata.uid)
    // That a record cannot be deleted is said in the same words.
    if ((await deletionsOf(scene, pod)).length > 0) throw new Error('it was looked up all the same')
    return () => forgotten(scene, pod)
  },

  async 'list leases'(scene) {
    await replaceAll(scene)
    await failing(scene, UNREADABLE)
    if ((await knownInstances()) > 0) throw new Error('instances are known all the same')
    return () => eventually('the instances that are recorded', async () => (await knownInstances()) > 0 || undefined, scene.it.deadlineMs)
  },

  async 'delete leases'(scene) {
    const pod = await ended(scene, UNDELETED)
    const { at } = await forgotten(scene, pod)
    // What it said before it was about records that cannot be looked up, if that right is away too.
    const isOfRecord = (record: Readonly<Record<string, unknown>>) => record['msg'] === NOT_DELETED && record['instanceId'] === pod.metadata.uid && Date.parse(String(record['time'])) >= at
    await told(scene.it, 'callback', 'a record that stays', isOfRecord)
    if (!(await hasRecord(scene, pod))) throw new Error('the record is gone all the same')
    return () => eventually('the end of the record', async () => !(await hasRecord(scene, pod)) || undefined, scene.it.deadlineMs)
  },
}

const failedReviews = () => metricOfAll('callback', 'athenz_callback_token_reviews_total', 'outcome="failed"')
const knownInstances = () => metricOfAll('callback', 'athenz_callback_instances')
const endingInstances = () => metricOfAll('callback', 'athenz_callback_instances_ending')

/** A new pod gets no identity, for the callback cannot say yes; it gets it as soon as it can. */
function unconfirmed(name: string): Trial {
  return async (scene) => {
    const { it } = scene
    const pod = await beginLaunch(scene, name)
    await told(it, 'callback', `a verdict on ${name} that is put off`, (record) => record['reason'] === 'API_UNAVAILABLE' && record['pod'] === `${pod.namespace}/${name}`)
    return () => waitForPod(it, pod, isRunning)
  }
}

/** What a callback knows it knows from its start; it says nothing of any pod until then. */
async function replaceAll({ it }: Scene): Promise<void> {
  await it.programs.stop('callback', 'kill')
  await it.programs.start('callback')
}

/** It fails from now on, and not only by what was under way. */
async function failing({ it }: Scene, failure: Failing): Promise<void> {
  const before = await timesFailed(it, 'callback', failure)
  await eventually(failure.message, async () => (await timesFailed(it, 'callback', failure)) > before || undefined, it.deadlineMs)
}

/** A pod ends while the watch is broken. That ZTS forgets it takes until the right is back and then some, and is waited for when all else is done. */
async function endUnseen(scene: Scene, name: string): Promise<void> {
  const pod = await launched(scene, name)
  await deletePod(scene.it, pod.metadata)
  scene.owed.push(pod)
}

async function ended({ it, toEnd }: Scene, name: string): Promise<PodObject> {
  const pod = toEnd.find(({ metadata }) => metadata.name === name)
  if (pod === undefined) throw new Error(`${name} does not run`)
  await deletePod(it, pod.metadata)
  return pod
}

const deletionsOf = async ({ it }: Scene, { metadata }: PodObject) =>
  (await it.athenz.calls()).filter(({ operation, instanceId, status }) => operation === 'delete' && instanceId === metadata.uid && status === 204)

/** The first deletion of its instance. */
export const forgotten = (scene: Scene, pod: PodObject): Promise<ZtsCall> =>
  eventually(`ZTS to forget ${pod.metadata.name}`, async () => (await deletionsOf(scene, pod))[0], scene.it.deadlineMs)

async function hasRecord({ it }: Scene, { metadata }: PodObject): Promise<boolean> {
  try {
    await it.api.get(pathOf(LEASES, { namespace: LEASES_NAMESPACE, name: `athenz-instance-${metadata.uid}` }))
    return true
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return false
    throw error
  }
}
