/** `npm start -- pod …`: creates a pod in the sandbox that is up, and tells how it fared. */
import { createKubeApi, isKubernetesError, pathOf, PODS } from '@pallas/kubernetes'
import { findBeacon } from './beacon.ts'
import type { Command } from './command.ts'
import { serveCommand } from './demo.ts'
import type { PodObject } from './kubelet/objects.ts'
import { hasEnded, isRunning } from './pod-control.ts'
import { podManifest } from './pods.ts'

const PATIENCE_MS = 15_000

export async function launchPod(request: Extract<Command, { kind: 'pod' }>, say: (line: string) => void): Promise<number> {
  const beacon = findBeacon()
  if (beacon === undefined) {
    say('no sandbox is up: run `npm start` in another terminal first')
    return 1
  }
  await using api = createKubeApi({ server: new URL(beacon.apiServer), ca: beacon.ca, token: async () => beacon.token })
  const { namespace, name, serviceAccount } = request
  const command = request.command.length === 0 ? serveCommand : request.command
  try {
    await api.create(pathOf(PODS, { namespace }), podManifest({ namespace, name, serviceAccount, command, restartPolicy: 'Never' }))
  } catch (error) {
    if (!isKubernetesError(error)) throw error
    say(`the pod was not taken (${error.code}): ${error.message}; is the sandbox of \`npm start\` still up?`)
    return 1
  }
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const pod = (await api.get(pathOf(PODS, { namespace, name }))) as unknown as PodObject
    if (isRunning(pod) || hasEnded(pod)) {
      say(`pod ${namespace}/${name} has its identity and is ${String(pod.status?.['phase'])}`)
      say(`  files  ${beacon.kubeletRoot}/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/{tlscerts,ntoken}`)
      say(`  logs   ${beacon.logs}/${namespace}_${name}_{sia-init,sia-refresh,main}.log`)
      return 0
    }
    if (performance.now() > giveUpAt) {
      say(`pod ${namespace}/${name} has no identity after ${PATIENCE_MS / 1_000} s; why: ${beacon.logs}/${namespace}_${name}_sia-init.log`)
      return 1
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
