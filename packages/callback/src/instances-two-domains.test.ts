import { describe, expect, test } from 'vitest'
import { aWorld, pod, recordOf } from './testing/instances-world.ts'

describe('a pod that was vouched for under two domains, for system-namespaces changed in between (W37)', () => {
  const system = { ...recordOf(pod), domain: `k8s.admin.${pod.namespace}` }

  test('is recorded under both', async () => {
    const { open, stored } = aWorld()
    await using instances = open()
    for (const record of [recordOf(pod), system, recordOf(pod)]) await instances.record(record)
    expect([...stored.values()]).toEqual([recordOf(pod), system])
    expect(instances.count().known).toBe(2)
  })

  test.each(['both', 'other', 'one'] as const)('is deleted at zts under both within a minute: %s of them left', async (left) => {
    const { open, clock, show, stored, deleted } = aWorld()
    const [one, other] = [open(), open()]
    const those = { both: [one, other], one: [one], other: [other] }[left]
    await clock.advance(1_000)
    await one.record(recordOf(pod))
    await other.record(system)
    for (const it of [one, other]) if (!those.includes(it)) await it[Symbol.asyncDispose]()
    show()
    await clock.advance(60_000)
    expect(new Set(deleted.map(({ domain }) => domain))).toEqual(new Set([recordOf(pod).domain, system.domain]))
    expect(stored.size).toBe(0)
    for (const it of those) {
      expect(it.count().known).toBe(0)
      await it[Symbol.asyncDispose]()
    }
  })
})
