/** Credentials are renewed while a pod runs, whoever is away meanwhile. */
import { readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { PodObject } from '../pod-object.ts'
import { credentialsOf, launch, renewed, request, serialOf } from '../pods.ts'
import type { World } from '../world.ts'

export interface RenewalScene<W> {
  readonly it: W
  /** A pod that renews. */
  readonly web: PodObject
}

/** `open`: a world whose pods renew every second, or as often as it can. `own`: what more is tested in this world. */
export function describeRenewal<W extends World>(name: string, open: () => Promise<W>, own: (scene: () => RenewalScene<W>) => void = () => undefined): void {
  describe(`${name}: renewal`, () => {
    let it: W
    let web: PodObject

    beforeAll(async () => {
      it = await open()
      web = await launch(it, request(it, 'web-0'))
    })
    afterAll(() => it[Symbol.asyncDispose]())

    renewalPromises(() => ({ it, web }))
    own(() => ({ it, web }))
  })
}

function renewalPromises(scene: () => RenewalScene<World>): void {
  test('a renewal brings a new key and certificate, and keeps few generations before it (W31)', async () => {
    const { it, web } = scene()
    const before = credentialsOf(it, web)
    await renewed(it, web, await renewed(it, web, serialOf(it, web)))
    const after = credentialsOf(it, web)
    expect(after.key).not.toBe(before.key)
    const generations = readdirSync(after.dir).filter((file) => file.startsWith('..') && file !== '..data')
    // Ten that readers may have pinned within the last minute, the new one, one that is being written.
    expect(generations.length).toBeLessThanOrEqual(12)
  })

  test('every renewal is a register with a fresh document, asked of the callback', async () => {
    const { it, web } = scene()
    await renewed(it, web, serialOf(it, web))
    const calls = (await it.athenz.calls()).filter(({ instanceId }) => instanceId === web.metadata.uid)
    expect(calls.length).toBeGreaterThan(1)
    expect(new Set(calls.map(({ operation }) => operation))).toEqual(new Set(['register']))
    expect(calls.every(({ callback, status }) => callback?.status === 200 && status === 201)).toBe(true)
  })

  test('the agent may crash: after its restart the same pod is served again', async () => {
    const { it, web } = scene()
    await it.programs.stop('identity-agent', 'kill')
    const before = serialOf(it, web)
    await wait(1_500)
    expect(serialOf(it, web)).toBe(before)
    await it.programs.start('identity-agent')
    await renewed(it, web, before)
  })

  test('while ZTS is away the old credentials stay, and renewals go on when it is back (W30)', async () => {
    const { it, web } = scene()
    await it.athenz.away()
    const refused = async () =>
      (await it.programs.records('identity-agent')).filter(({ record }) => record['reason'] === 'ISSUER_UNAVAILABLE').length
    const earlier = await refused()
    const before = serialOf(it, web)
    await eventually('a renewal that finds nobody', async () => ((await refused()) > earlier ? true : undefined), it.deadlineMs)
    expect(serialOf(it, web)).toBe(before)
    await it.athenz.back()
    await renewed(it, web, before)
  })

  test('the refresher says in its log what it did, and nothing secret', async () => {
    const { it, web } = scene()
    const serial = serialOf(it, web)
    const log = await eventually('the serial in the log', async () => {
    const { it, web } = scene()
      const text = await it.node.logOf(web.metadata, 'sia-refresh')
      return text.includes(serial) ? text : undefined
    })
    expect(log).not.toContain('PRIVATE KEY')
  })
}
