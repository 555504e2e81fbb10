/** The part of the API server contract about watches: nothing is missed, and what is too old is said to be. */
import { expect, test } from 'vitest'
import type { KubeApi } from '../api.ts'
import { CONFIG_MAPS, pathOf } from '../resources.ts'
import type { WatchEvent } from '../watch-events.ts'
import type { KubeApiUnderTest, OpenKubeApi } from './under-test.ts'

/** Events without bookmarks, as `<type> <name>`, until `count` were seen or the watch ended. */
async function read(events: AsyncIterable<WatchEvent>, count: number): Promise<{ seen: string[]; last: string }> {
  const seen: string[] = []
  let last = ''
  for await (const event of events) {
    last = event.resourceVersion
    if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${String(event.object.metadata['name'])}`)
    if (seen.length === count) break
  }
  return { seen, last }
}

const maps = ({ namespace }: KubeApiUnderTest) => pathOf(CONFIG_MAPS, { namespace })
const nameOf = (it: KubeApiUnderTest, name: string) => pathOf(CONFIG_MAPS, { namespace: it.namespace, name })
const versionOf = async (api: KubeApi, path: string) => (await api.list(path)).resourceVersion

export function watchPromises(open: OpenKubeApi): void {
  test('a watch tells of what happened since its version, in order, and goes on from any event', async () => {
    await using it = await open()
    const since = await versionOf(it.admin, maps(it))
    await it.admin.create(maps(it), { metadata: { name: 'a' } })
    await it.admin.patch(nameOf(it, 'a'), { kind: 'merge', patch: { data: { x: '1' } } })
    const first = await read(it.admin.watch(maps(it), { resourceVersion: since, timeoutSeconds: 10 }), 2)
    expect(first.seen).toEqual(['ADDED a', 'MODIFIED a'])

    const rest = read(it.admin.watch(maps(it), { resourceVersion: first.last, timeoutSeconds: 10 }), 2)
    await it.admin.create(maps(it), { metadata: { name: 'b' } })
    await it.admin.delete(nameOf(it, 'a'))
    expect((await rest).seen).toEqual(['ADDED b', 'DELETED a'])
  })

  test('an object that leaves the selection is deleted for that watch, and one that enters is added', async () => {
    await using it = await open()
    await it.admin.create(maps(it), { metadata: { name: 'a', labels: { in: 'yes' } } })
    await it.admin.create(maps(it), { metadata: { name: 'b', labels: { in: 'no' } } })
    const resourceVersion = await versionOf(it.admin, maps(it))
    await it.admin.patch(nameOf(it, 'a'), { kind: 'merge', patch: { metadata: { labels: { in: 'no' } } } })
    await it.admin.patch(nameOf(it, 'b'), { kind: 'merge', patch: { metadata: { labels: { in: 'yes' } } } })
    const events = it.admin.watch(maps(it), { resourceVersion, labelSelector: 'in=yes', timeoutSeconds: 10 })
    expect((await read(events, 2)).seen).toEqual(['DELETED a', 'ADDED b'])
  })

  test('a watch ends by itself when its time is over, and says where it stands', async () => {
    await using it = await open()
    const resourceVersion = await versionOf(it.admin, maps(it))
    const { seen } = await read(it.admin.watch(maps(it), { resourceVersion, timeoutSeconds: 1 }), 1)
    expect(seen.filter((event) => !event.includes('kube-root-ca.crt'))).toEqual([])
  })

  test('a watch ends when its caller leaves', async () => {
    await using it = await open()
    const resourceVersion = await versionOf(it.admin, maps(it))
    const stop = new AbortController()
    const reading = read(it.admin.watch(maps(it), { resourceVersion, timeoutSeconds: 60 }, stop.signal), 100)
    const why = new Error('left')
    stop.abort(why)
    await expect(reading).rejects.toBe(why)
  })

  test('a version that is too old is gone', async ({ skip }) => {
    await using it = await open()
    if (it.forgetHistory === undefined) return skip('this server forgets in its own time')
    const resourceVersion = await versionOf(it.admin, maps(it))
    await it.admin.create(maps(it), { metadata: { name: 'a' } })
    await it.forgetHistory()
    const watching = read(it.admin.watch(maps(it), { resourceVersion, timeoutSeconds: 10 }), 1)
    await expect(watching).rejects.toMatchObject({ code: 'KUBE_GONE', retryable: false })
  })

  test('a caller without rights may not watch', async () => {
    await using it = await open()
    const watching = read(it.nobody.watch(maps(it), { resourceVersion: '1', timeoutSeconds: 10 }), 1)
    await expect(watching).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  })
}
