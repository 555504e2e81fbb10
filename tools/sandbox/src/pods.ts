/** Pod manifests that a user of the sandbox might write. */
import { ROOTS, TRIGGER } from './names.ts'

export interface PodRequest {
  readonly namespace: string
  readonly name: string
  readonly serviceAccount: string
  readonly command: readonly string[]
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  /** False: no annotation, so no identity. */
  readonly identity?: boolean
  readonly fsGroup?: number
  /** True: /roots says whom to trust for ZTS. */
  readonly roots?: boolean
}

/** An annotated pod whose one container sees its credentials in /tls and /tokens; no secret in it. */
export function podManifest(request: PodRequest): object {
  const { namespace, name, serviceAccount, command, restartPolicy = 'Always', identity = true, fsGroup, roots = false } = request
  const rootsVolume = { name: 'roots', projected: { sources: [{ configMap: { name: ROOTS.configMap } }] } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, annotations: identity ? { [TRIGGER]: 'true' } : {} },
    spec: {
      serviceAccountName: serviceAccount,
      restartPolicy,
      terminationGracePeriodSeconds: 2,
      ...(fsGroup === undefined ? {} : { securityContext: { fsGroup } }),
      volumes: [{ name: 'tlscerts', emptyDir: {} }, { name: 'ntoken', emptyDir: {} }, ...(roots ? [rootsVolume] : [])],
      containers: [
        {
          name: 'main',
          image: 'sandbox/host-programs:latest',
          command,
          env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          volumeMounts: [
            { name: 'tlscerts', mountPath: '/tls', readOnly: true },
            { name: 'ntoken', mountPath: '/tokens', readOnly: true },
            ...(roots ? [{ name: 'roots', mountPath: '/roots', readOnly: true }] : []),
          ],
        },
      ],
    },
  }
}
