/** Pods that must not start, or not any more. */
import { existsSync, readdirSync } from 'node:fs'
import { pathOf, PODS } from '@pallas/kubernetes'
import type { CsrNames } from '@pallas/x509'
import { expect, test } from 'vitest'
import { askedOfZts } from '../asked-zts.ts'
import { csrFor } from '../csr.ts'
import { eventually } from '../eventually.ts'
import { hasEnded } from '../pod-object.ts'
import { createPod, createPodOf, deletePod, handleOf, launch, podManifest, request, untilGone, waitForLog, waitForPod } from '../pods.ts'
import type { World } from '../world.ts'

export function refusedPods(world: () => World): void {
  test.each([
    ['whose service Athenz does not know', { serviceAccount: 'stranger' }, 'ISSUER_DENIED', [400]],
    ['that Athenz does not let us launch', { serviceAccount: 'player' }, 'ISSUER_DENIED', [403]],
    ['of a namespace below the domain of the administrators', { namespace: 'k8s-admin-kube--system' }, 'NAMESPACE_REFUSED', []],
  ])('%s ends before its application, denied', async (_who, other, reason, statuses) => {
    const it = world()
    const before = (await askedOfZts(it)).length
    const pod = request(it, 'refused-0', { ...other, restartPolicy: 'Never' })
    await createPod(it, pod)
    const ended = await waitForPod(it, pod, hasEnded)
    expect(ended.status).toMatchObject({
      phase: 'Failed',
      initContainerStatuses: [{ name: 'sia-init', state: { terminated: { exitCode: 77 } } }, { name: 'sia-refresh', state: { waiting: {} } }],
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    })
    expect(await it.node.logOf(pod, 'sia-init')).toContain(`denied: ${reason}`)
    expect(filesIn(it.node.volumePath(ended, 'tlscerts'))).toEqual([])
    const calls = (await askedOfZts(it)).slice(before)
    expect(calls.map(({ operation, status, serial }) => ({ operation, status, serial }))).toEqual(
      statuses.map((status) => ({ operation: 'register', status, serial: undefined })),
    )
    await deletePod(it, pod)
  })

  test('that brings its own sia-init is not created, and its user is told why', async () => {
    const it = world()
    const initContainers = [{ name: 'sia-init', image: 'mine:latest', command: ['true'] }]
    const mine = podManifest(it, request(it, 'collision-0', { spec: { initContainers } }))
    await expect(createPodOf(it, 'shop', mine)).rejects.toMatchObject({
      code: 'KUBE_FORBIDDEN',
      fields: { detail: expect.stringMatching(/sia-init.* differs from the one that is injected.*INJECTION_COLLISION/) as string },
    })
    await expect(it.api.get(pathOf(PODS, { namespace: 'shop', name: 'collision-0' }))).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
  })

  test('that is terminating may renew, not start (T07)', async () => {
    const it = world()
    const stubborn = ['sh', '-c', 'trap "" TERM; echo stays; until [ -e "$0" ]; do sleep 0.05; done', '/tokens/leave']
    const pod = await launch(it, request(it, 'leaving-0', { command: stubborn }))
    await waitForLog(it, pod.metadata, 'main', 'stays')
    const handle = handleOf(it, pod)
    await it.api.delete(pathOf(PODS, { namespace: 'shop', name: 'leaving-0' }), { gracePeriodSeconds: 60 })
    await eventually('init to be refused', async () => {
      const answer = await it.node.ask(pod, { method: 'POST', path: `/v1/init/${handle}` })
      return answer.status === 403 && answer.body['code'] === 'POD_TERMINATING' ? true : undefined
    })
    const { body } = await it.node.ask(pod, { method: 'GET', path: `/v1/names/${handle}` })
    const csr = await csrFor(body as unknown as CsrNames)
    const renewal = await it.node.ask(pod, { method: 'POST', path: `/v1/refresh/${handle}`, body: { csr } })
    expect(renewal.status).toBe(200)
    await it.node.exec(pod.metadata, 'main', ['touch', '/tokens/leave'])
    await untilGone(it, pod.metadata)
  })
}

/** The volumes of a pod that ended by itself go at once, so it may be gone. */
const filesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : [])
