/** Pods that controllers make. */
import { PODS, pathOf } from '@pallas/kubernetes'
import { eventually, IDENTITY_VOLUME, podManifest, type PodObject, type PodRequest, request, type World } from '@pallas/suite'
import { apply } from './kubectl.ts'

interface Template {
  readonly metadata: object
  readonly spec: object
}

const APP = 'app'

/**
 * What a controller makes pods of: the pod of the suite, with a label. A template is judged before anything is injected, so
 * the application knocks at a volume of its own.
 */
export function templateOf(world: Pick<World, 'workloads'>, app: string, other: Partial<PodRequest> = {}): Template {
  const { metadata, spec } = podManifest(world, request(world, app, other)) as Parts
  const door = { name: 'door', flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver', readOnly: true } }
  const containers = spec.containers.map((it) => ({ ...it, volumeMounts: it.volumeMounts.map((mount) => (mount.name === IDENTITY_VOLUME ? { ...mount, name: door.name } : mount)) }))
  return { metadata: { labels: { [APP]: app }, annotations: metadata.annotations }, spec: { ...spec, volumes: [...spec.volumes, door], containers } }
}

interface Parts {
  readonly metadata: { readonly annotations: object }
  readonly spec: { readonly volumes: readonly object[]; readonly containers: readonly { readonly volumeMounts: readonly { readonly name: string }[] }[] }
}

export const applyController = (kind: 'Deployment' | 'StatefulSet', name: string, template: Template, spec: object): Promise<string> =>
  apply([{ apiVersion: 'apps/v1', kind, metadata: { name, namespace: 'shop' }, spec: { selector: { matchLabels: { [APP]: name } }, template, ...spec } }])

/** All pods of the app, when there are so many and each is as wanted. */
export const podsOfApp = (world: Pick<World, 'api' | 'deadlineMs'>, app: string, count: number, wanted: (pod: PodObject) => boolean, deadlineMs = world.deadlineMs): Promise<readonly PodObject[]> =>
  eventually(
    `${count} pods of ${app} as wanted`,
    async () => {
      const { items } = await world.api.list(pathOf(PODS, { namespace: 'shop' }), { labelSelector: `${APP}=${app}` })
      const pods = items as unknown as readonly PodObject[]
      return pods.length === count && pods.every(wanted) ? pods : undefined
    },
    deadlineMs,
  )
