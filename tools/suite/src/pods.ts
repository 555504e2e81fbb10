/** What a user does with pods, in any world: make them, wait for them, delete them, and read what they hold. */
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isKubernetesError, type KubeObject, pathOf, PODS } from '@pallas/kubernetes'
import { type Certificate, readCertificate } from '@pallas/x509'
import { eventually } from './eventually.ts'
import { isRunning, type PodName, type PodObject } from './pod-object.ts'
import type { ProgramName, World } from './world.ts'

export interface PodRequest extends PodName {
  readonly serviceAccount: string
  readonly command: readonly string[]
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never'
  /** False: no annotation, so no identity. */
  readonly identity: boolean
  readonly fsGroup?: number
  /** Fields of the manifest's spec beside those that are said above. */
  readonly spec?: object
}

/** What the application says when it takes calls. */
export const SERVING = 'serving'
export const SERVING_PORT = 8443
export const TRIGGER = 'initializer.kubernetes.io/athenz'
export const IDENTITY_VOLUME = 'sia-identity'

/** `shop/<name>`, as `shop.web`, that serves on mutual TLS, if not told otherwise. */
export const request = ({ workloads }: Pick<World, 'workloads'>, name: string, other: Partial<PodRequest> = {}): PodRequest => ({
  namespace: 'shop',
  name,
  serviceAccount: 'web',
  command: [...workloads.command('serve'), '/tls', String(SERVING_PORT)],
  restartPolicy: 'Always',
  identity: true,
  ...other,
})

/**
 * A pod with one container, `main`, that sees its credentials in /tls and /tokens; no secret in it. With an identity it
 * sees the volume of the driver in /identity too, as writable as the volume makes it, for commands that knock there.
 */
export function podManifest({ workloads }: Pick<World, 'workloads'>, pod: PodRequest): object {
  const { namespace, name, serviceAccount, command, restartPolicy, identity, fsGroup, spec = {} } = pod
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, annotations: identity ? { [TRIGGER]: 'true' } : {} },
    spec: {
      serviceAccountName: serviceAccount,
      restartPolicy,
      terminationGracePeriodSeconds: 2,
      ...(fsGroup === undefined ? {} : { securityContext: { fsGroup } }),
      volumes: [{ name: 'tlscerts', emptyDir: {} }, { name: 'ntoken', emptyDir: {} }],
      containers: [mainContainer(workloads.image, command, identity)],
      ...spec,
    },
  }
}

const mainContainer = (image: string, command: readonly string[], identity: boolean): object => ({
  name: 'main',
  image,
  command,
  env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
  volumeMounts: [
    { name: 'tlscerts', mountPath: '/tls', readOnly: true },
    { name: 'ntoken', mountPath: '/tokens' },
    ...(identity ? [{ name: IDENTITY_VOLUME, mountPath: '/identity' }] : []),
  ],
})

export const createPod = async ({ api, workloads }: Pick<World, 'api' | 'workloads'>, pod: PodRequest): Promise<PodObject> =>
  asPod(await api.create(pathOf(PODS, { namespace: pod.namespace }), podManifest({ workloads }, pod)))

export async function createPodOf({ api }: Pick<World, 'api'>, namespace: string, manifest: object): Promise<PodObject> {
  return asPod(await api.create(pathOf(PODS, { namespace }), manifest))
}

export const getPod = async ({ api }: Pick<World, 'api'>, { namespace, name }: PodName): Promise<PodObject> =>
  asPod(await api.get(pathOf(PODS, { namespace, name })))

type Waiting = Pick<World, 'api' | 'deadlineMs'>

/** Throws with what the pod looked like when it is not as wanted in time. */
export async function waitForPod(world: Waiting, pod: PodName, wanted: (pod: PodObject) => boolean): Promise<PodObject> {
  let last: PodObject | undefined
  const look = async () => {
    last = await getPod(world, pod)
    return wanted(last) ? last : undefined
  }
  return eventually(`pod ${pod.namespace}/${pod.name} as wanted`, look, world.deadlineMs).catch((error: unknown) => {
    throw new Error(`pod ${pod.namespace}/${pod.name} is not as wanted: ${JSON.stringify(last?.status)}`, { cause: error })
  })
}

export async function launch(world: Waiting & Pick<World, 'workloads'>, pod: PodRequest): Promise<PodObject> {
  await createPod(world, pod)
  return waitForPod(world, pod, isRunning)
}

/** Resolves when the pod is gone, and with it what its node had of it. */
export async function deletePod(world: Waiting, { namespace, name }: PodName): Promise<void> {
  const { uid } = (await getPod(world, { namespace, name })).metadata
  await world.api.delete(pathOf(PODS, { namespace, name }))
  await untilGone(world, { namespace, name, uid })
}

export const untilGone = (world: Waiting, { namespace, name, uid }: PodName & { readonly uid: string }): Promise<true> =>
  eventually(
    `the end of pod ${namespace}/${name}`,
    async () => ((await uidOf(world, { namespace, name })) === uid ? undefined : true),
    world.deadlineMs,
  )

async function uidOf(world: Pick<World, 'api'>, pod: PodName): Promise<string | undefined> {
  try {
    return (await getPod(world, pod)).metadata.uid
  } catch (error) {
    if (isKubernetesError(error) && error.code === 'KUBE_NOT_FOUND') return undefined
    throw error
  }
}

/** Waits until a container has said this: the nearest thing to a readiness probe that a container without one has. */
export async function waitForLog({ node, deadlineMs }: Pick<World, 'node' | 'deadlineMs'>, pod: PodName, container: string, text: string): Promise<string> {
  const look = async () => {
    const log = await node.logOf(pod, container).catch(() => '')
    return log.includes(text) ? log : undefined
  }
  return eventually(`${pod.namespace}/${pod.name} to say "${text}"`, look, deadlineMs)
}

type OnNode = Pick<World, 'node'>

/** Files of the pod's identity, all of one generation. */
export function credentialsOf({ node }: OnNode, pod: PodObject) {
  const dir = node.volumePath(pod, 'tlscerts')
  const generation = join(dir, readlinkSync(join(dir, '..data')))
  const read = (name: string) => readFileSync(join(generation, name), 'utf8')
  return { dir, key: read('service.key'), cert: read('service.cert'), ca: read('cacert.pem') }
}

export const certificateOf = (world: OnNode, pod: PodObject): Certificate => readCertificate(credentialsOf(world, pod).cert)
export const serialOf = (world: OnNode, pod: PodObject): string => certificateOf(world, pod).serial

export const tokenOf = ({ node }: OnNode, pod: PodObject): string => readFileSync(join(node.volumePath(pod, 'ntoken'), 'ntoken'), 'utf8')

/** The handle in the pod's identity volume: what an attacker would have to steal. */
export const handleOf = ({ node }: OnNode, pod: PodObject): string => readFileSync(join(node.volumePath(pod, IDENTITY_VOLUME), 'id'), 'utf8')

/** Resolves with a serial that is another. */
export const renewed = (world: OnNode & Pick<World, 'deadlineMs'>, pod: PodObject, than: string): Promise<string> =>
  eventually(
    'a renewed certificate',
    () => {
      const serial = serialOf(world, pod)
      return serial === than ? undefined : serial
    },
    world.deadlineMs,
  )

/** What a program of the suite logged with this reason, as soon as it is there. */
export const logged = ({ programs, deadlineMs }: Pick<World, 'programs' | 'deadlineMs'>, program: ProgramName, reason: string) =>
  eventually(
    `${reason} in the log of ${program}`,
    async () => (await programs.records(program)).find(({ record }) => record['reason'] === reason),
    deadlineMs,
  )

const asPod = (object: KubeObject): PodObject => object as unknown as PodObject
