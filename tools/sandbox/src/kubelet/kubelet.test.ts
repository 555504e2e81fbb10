import { expect, test } from 'vitest'
import { deleting, openParts, podWith, UID } from '../testing/pod-parts.ts'
import { startKubelet } from './kubelet.ts'

test('a pod is shown from when it is seen until it is gone, and one seen again is the same', async () => {
  const { deps, clock, runtime } = openParts()
  await using kubelet = startKubelet(deps)
  kubelet.seen(podWith())
  kubelet.seen(podWith({}, { resourceVersion: '2' }))
  await clock.advance(0)
  expect(runtime.names).toEqual(['main'])
  expect(kubelet.pods().map(({ metadata }) => metadata.resourceVersion)).toEqual(['2'])
  kubelet.seen(deleting(podWith()))
  await clock.advance(0)
  expect(kubelet.pods()).toEqual([])
})

test.each([
  ['removed', (kubelet: ReturnType<typeof startKubelet>) => kubelet.removed(podWith())],
  ['missing in a list', (kubelet: ReturnType<typeof startKubelet>) => kubelet.listed([])],
])('a pod that is %s is ended, though nobody marked it', async (_how, tell) => {
  const { deps, clock, runtime } = openParts()
  await using kubelet = startKubelet(deps)
  kubelet.listed([podWith()])
  await clock.advance(0)
  tell(kubelet)
  await clock.advance(0)
  expect(runtime.newest('main').signals).toEqual(['SIGTERM'])
  expect(kubelet.pods()).toEqual([])
})

test('the removal of a pod that it does not have makes none', async () => {
  const { deps } = openParts()
  await using kubelet = startKubelet(deps)
  kubelet.removed(podWith())
  expect(kubelet.pods()).toEqual([])
})

test('on stop every container ends within the last grace, even one whose pod has a longer one', async () => {
  const { deps, clock, runtime, api } = openParts()
  runtime.obeys = []
  const kubelet = startKubelet(deps)
  kubelet.seen(podWith())
  await clock.advance(0)
  kubelet.seen(deleting(podWith(), 600))
  const stopped = kubelet[Symbol.asyncDispose]()
  await clock.advance(2_000)
  await stopped
  expect(runtime.newest('main').signals.at(-1)).toBe('SIGKILL')
  expect(api.forgotten).toEqual([UID])
})

test('commands run only in pods that are here', async () => {
  await using kubelet = startKubelet(openParts().deps)
  await expect(kubelet.exec({ namespace: 'shop', name: 'web-0' }, 'main', ['true'])).rejects.toThrow('no pod shop/web-0 on this node')
})
