/** The part of the API server contract about objects: making, changing, finding and deleting them, and who may. */
import { expect, test } from 'vitest'
import { createLease, deleteLease, listLeases } from '../leases.ts'
import { getPod, listPods } from '../pods.ts'
import { CONFIG_MAPS, LEASES, pathOf, PODS } from '../resources.ts'
import { readConfigMapKey } from '../config-maps.ts'
import { recordPodEvent } from '../events.ts'
import type { OpenKubeApi } from './under-test.ts'
import { newPodObject } from './pod-objects.ts'

/** Keeps a pod from being started anywhere, on a real cluster too. */
export const NOWHERE = { nodeSelector: { 'pallas.test/nowhere': 'true' } }

export function objectPromises(open: OpenKubeApi): void {
  test('an object that was created is there, changes by patch and is gone when deleted', async () => {
    await using it = await open()
    const path = pathOf(CONFIG_MAPS, { namespace: it.namespace })
    const named = pathOf(CONFIG_MAPS, { namespace: it.namespace, name: 'settings' })
    const made = await it.admin.create(path, { metadata: { name: 'settings' }, data: { a: '1', b: '2' } })
    expect(made.metadata).toMatchObject({ name: 'settings', namespace: it.namespace })
    expect(made.metadata['uid']).toMatch(/^[0-9a-f-]{36}$/)

    const merged = await it.admin.patch(named, { kind: 'merge', patch: { data: { a: '3', b: null } } })
    expect(merged['data']).toEqual({ a: '3' })
    expect(merged.metadata['resourceVersion']).not.toBe(made.metadata['resourceVersion'])
    await it.admin.patch(named, { kind: 'json', patch: [{ op: 'add', path: '/data/c', value: '4' }] })
    const key = { namespace: it.namespace, name: 'settings' }
    expect(await readConfigMapKey(it.admin, { ...key, key: 'c' })).toBe('4')
    expect(await readConfigMapKey(it.admin, { ...key, key: 'b' })).toBeUndefined()

    await it.admin.delete(named)
    await expect(it.admin.get(named)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND', status: 404 })
    expect(await readConfigMapKey(it.admin, { ...key, key: 'c' })).toBeUndefined()
  })

  test('a name that is taken is said to exist, and a name that is no name is invalid', async () => {
    await using it = await open()
    const path = pathOf(CONFIG_MAPS, { namespace: it.namespace })
    await it.admin.create(path, { metadata: { name: 'one' } })
    await expect(it.admin.create(path, { metadata: { name: 'one' } })).rejects.toMatchObject({ code: 'KUBE_EXISTS' })
    const refused = it.admin.create(path, { metadata: { name: 'Not_A_Name' } })
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_INVALID', status: 422, fields: { reason: 'Invalid' } })
  })

  test('generateName gives each object a name of its own', async () => {
    await using it = await open()
    const path = pathOf(CONFIG_MAPS, { namespace: it.namespace })
    const make = async () => (await it.admin.create(path, { metadata: { generateName: 'made-' } })).metadata['name']
    const [a, b] = [await make(), await make()]
    expect(a).toMatch(/^made-[a-z0-9]{5}$/)
    expect(b).not.toBe(a)
  })

  test('an older version cannot replace a newer one', async () => {
    await using it = await open()
    const named = pathOf(CONFIG_MAPS, { namespace: it.namespace, name: 'raced' })
    const old = await it.admin.create(pathOf(CONFIG_MAPS, { namespace: it.namespace }), { metadata: { name: 'raced' } })
    await it.admin.replace(named, { ...old, data: { winner: 'yes' } })
    await expect(it.admin.replace(named, { ...old, data: { winner: 'no' } })).rejects.toMatchObject({
      code: 'KUBE_CONFLICT',
    })
    expect((await it.admin.get(named))['data']).toEqual({ winner: 'yes' })
  })

  test('of many who create the same lease at once exactly one has it', async () => {
    await using it = await open()
    const lease = { namespace: it.namespace, name: 'used-once', labels: { use: 'once' }, holder: 'me' }
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => createLease(it.admin, lease)))
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(11)
  })

  test('a lease is deleted only as the one that was seen', async () => {
    await using it = await open()
    await createLease(it.admin, { namespace: it.namespace, name: 'old', labels: { use: 'once' } })
    await createLease(it.admin, { namespace: it.namespace, name: 'other' })
    const { leases } = await listLeases(it.admin, { namespace: it.namespace, labelSelector: 'use=once' })
    expect(leases.map(({ name }) => name)).toEqual(['old'])
    const [lease] = leases
    if (lease === undefined) throw new Error('no lease')
    const another = { ...lease, uid: '11111111-2222-3333-4444-555555555555' }
    expect(await deleteLease(it.admin, another)).toBe('gone')
    expect(await it.admin.get(pathOf(LEASES, { namespace: it.namespace, name: 'old' }))).toBeDefined()
    expect(await deleteLease(it.admin, lease)).toBe('deleted')
    expect(await deleteLease(it.admin, lease)).toBe('gone')
  })

  test('a list comes in pages that show each object once', async () => {
    await using it = await open()
    for (let i = 0; i < 7; i++)
      await createLease(it.admin, { namespace: it.namespace, name: `l-${i}`, labels: { page: 'yes' } })
    const query = { namespace: it.namespace, labelSelector: 'page=yes', limit: 3 }
    const names: string[] = []
    let page = await listLeases(it.admin, query)
    names.push(...page.leases.map(({ name }) => name))
    while (page.continue !== undefined) {
      page = await listLeases(it.admin, { ...query, continue: page.continue })
      names.push(...page.leases.map(({ name }) => name))
    }
    expect(names).toEqual(Array.from({ length: 7 }, (_, i) => `l-${i}`))
  })

  test('a pod has a service account and no node at first, and is found by name and by label', async () => {
    await using it = await open()
    const pod = newPodObject({ name: 'web', labels: { app: 'web' } }, NOWHERE)
    await it.admin.create(pathOf(PODS, { namespace: it.namespace }), pod)
    const found = await getPod(it.admin, { namespace: it.namespace, name: 'web' })
    expect(found).toMatchObject({
      name: 'web',
      serviceAccount: 'default',
      node: '',
      ip: '',
      phase: 'Pending',
      deleting: false,
    })
    expect(await getPod(it.admin, { namespace: it.namespace, name: 'none' })).toBeUndefined()
    const listed = await listPods(it.admin, {
      namespace: it.namespace,
      labelSelector: 'app in (web)',
      fieldSelector: 'metadata.name=web',
    })
    expect(listed.pods).toEqual([found])
    expect((await listPods(it.admin, { namespace: it.namespace, labelSelector: 'app!=web' })).pods).toEqual([])
  })

  test('a pod with two volumes of one name is invalid', async () => {
    await using it = await open()
    const volumes = [
      { name: 'v', emptyDir: {} },
      { name: 'v', emptyDir: {} },
    ]
    const made = it.admin.create(
      pathOf(PODS, { namespace: it.namespace }),
      newPodObject({ name: 'twice' }, { ...NOWHERE, volumes }),
    )
    const detail = expect.stringContaining('spec.volumes[1].name: Duplicate value: "v"')
    await expect(made).rejects.toMatchObject({ code: 'KUBE_INVALID', fields: { detail } })
  })

  test('an event is recorded about a pod', async () => {
    await using it = await open()
    const pod = { namespace: it.namespace, name: 'web', uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11' }
    const event = {
      pod,
      type: 'Warning',
      reason: 'POD_ENDED',
      message: 'the pod has ended',
      at: 1_795_256_011_000,
    } as const
    expect(await recordPodEvent(it.admin, { ...event, source: { component: 'contract' } })).toBe('recorded')
    expect(await recordPodEvent(it.nobody, { ...event, source: { component: 'contract' } })).toBe('KUBE_FORBIDDEN')
  })

  test('a caller without rights is forbidden, in words that say what it lacks', async () => {
    await using it = await open()
    const refused = it.nobody.get(pathOf(PODS, { namespace: it.namespace, name: 'web' }))
    const lacking = `cannot get resource "pods" in API group "" in the namespace "${it.namespace}"`
    const detail = expect.stringMatching(`^pods "web" is forbidden: User ".+" ${lacking}`)
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', retryable: false, fields: { detail } })
  })

  test('a caller with a token of nobody is unauthorized', async () => {
    await using it = await open()
    const refused = it.stranger.list(pathOf(PODS, { namespace: it.namespace }))
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED', retryable: false })
  })
}
