/** What an API server and its ServiceAccount admission put into a pod (recorded from Kubernetes 1.37). */
import { isObject } from '../../json.ts'
import { type Json, objectAt, objectsAt, textAt } from './object.ts'

const TOKEN_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** Five characters, as in generated names. */
export const randomSuffix = (random: () => number): string =>
  Array.from({ length: 5 }, () => NAME_ALPHABET[Math.floor(random() * NAME_ALPHABET.length)]).join('')

const POD_SPEC = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: 'PreemptLowerPriority',
}

const TOLERATIONS = ['not-ready', 'unreachable'].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

/** Fills in what is absent; changes `pod`. Run again after each admission step, as a real server does. */
export function defaultPod(pod: Json): void {
  const spec = objectAt(pod, 'spec')
  for (const [key, value] of Object.entries(POD_SPEC)) spec[key] ??= structuredClone(value)
  spec['tolerations'] ??= structuredClone(TOLERATIONS)
  for (const list of ['containers', 'initContainers']) for (const it of objectsAt(spec, list)) defaultContainer(it)
  for (const volume of objectsAt(spec, 'volumes')) {
    if (Object.keys(volume).every((key) => key === 'name')) volume['emptyDir'] = {}
    if (isObject(volume['projected'])) defaultProjected(volume['projected'])
  }
  objectAt(pod, 'status')
}

function defaultContainer(container: Json): void {
  const image = textAt(container, 'image')
  const latest = image.endsWith(':latest') || !/[:@][^/]+$/.test(image)
  container['resources'] ??= {}
  container['terminationMessagePath'] ??= '/dev/termination-log'
  container['terminationMessagePolicy'] ??= 'File'
  container['imagePullPolicy'] ??= latest ? 'Always' : 'IfNotPresent'
}

function defaultProjected(projected: Json): void {
  projected['defaultMode'] ??= 0o644
  for (const source of objectsAt(projected, 'sources')) {
    if (isObject(source['serviceAccountToken'])) (source['serviceAccountToken'] as Json)['expirationSeconds'] ??= 3600
  }
}

/** The account's name in both spellings, and its token in every container that mounts nothing there. */
export function admitServiceAccount(pod: Json, automount: boolean, random: () => number): void {
  const spec = objectAt(pod, 'spec')
  const name = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount') || 'default'
  spec['serviceAccountName'] = name
  spec['serviceAccount'] = name
  if ((spec['automountServiceAccountToken'] ?? automount) !== true) return
  const containers = [...objectsAt(spec, 'initContainers'), ...objectsAt(spec, 'containers')]
  const lacking = containers.filter((it) =>
    objectsAt(it, 'volumeMounts').every((mount) => mount['mountPath'] !== TOKEN_MOUNT),
  )
  if (lacking.length === 0) return
  const volume = tokenVolumeOf(spec, random)
  for (const container of lacking) {
    const mount = { name: volume, readOnly: true, mountPath: TOKEN_MOUNT }
    container['volumeMounts'] = [...objectsAt(container, 'volumeMounts'), mount]
  }
}

/** Name of the volume with the account's token, which is added when there is none. */
function tokenVolumeOf(spec: Json, random: () => number): string {
  const volumes = objectsAt(spec, 'volumes')
  const known = volumes.find((volume) => textAt(volume, 'name').startsWith('kube-api-access-'))
  if (known !== undefined) return textAt(known, 'name')
  const name = `kube-api-access-${randomSuffix(random)}`
  const namespace = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [namespace] } },
  ]
  spec['volumes'] = [...volumes, { name, projected: { sources, defaultMode: 0o644 } }]
  return name
}
