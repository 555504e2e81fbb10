/** The downward API: a field of the pod, by its path, as text. */
import type { ContainerObject, PodObject } from './objects.ts'

export function fieldOf(pod: PodObject, fieldPath: string, podIp: string): string {
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': podIp,
  }
  const value = fields[fieldPath]
  if (value === undefined) throw new Error(`the sandbox kubelet does not know the field ${fieldPath}`)
  return value
}

export function environmentOf(pod: PodObject, container: ContainerObject, podIp: string): Record<string, string> {
  const entries = (container.env ?? []).map(({ name, value, valueFrom }) => {
    const fieldPath = valueFrom?.fieldRef?.fieldPath
    return [name, fieldPath === undefined ? (value ?? '') : fieldOf(pod, fieldPath, podIp)] as const
  })
  return { HOSTNAME: pod.metadata.name, ...Object.fromEntries(entries) }
}
