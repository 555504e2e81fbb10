/** The JWT service with its watch of pods, over real sockets. */
import { pathOf, PODS } from '@pallas/kubernetes'
import { eventually } from '@pallas/kubernetes/testing'
import { describe, expect, test } from 'vitest'
import { askAs, bodyFor, type Opened, openService, probe } from './testing/world.ts'

const signedFrom = ({ metrics }: Opened, seen: string) => metrics.value('documents_signed_total', { seen })
const gets = ({ calls }: Opened): number => calls.filter((made) => made.includes('/pods/')).length

/** Asks until a document was signed from it. */
const untilWatched = (it: Opened) =>
  eventually(async () => {
    await askAs(it, bodyFor(it))
    return (await signedFrom(it, 'watch')) > 0 ? true : undefined
  })

describe('the watch of pods', () => {
  test('saves asking for a pod that it shows as the agent does', async () => {
    await using it = await openService()
    await untilWatched(it)
    const [before, live] = [gets(it), await signedFrom(it, 'live')]
    for (let n = 0; n < 5; n++) expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
    expect(gets(it)).toBe(before)
    expect(await signedFrom(it, 'live')).toBe(live)
    expect(await signedFrom(it, 'watch')).toBe(6)
  })

  test('refuses nobody: whom it does not bear out is asked for live', async () => {
    await using it = await openService()
    await untilWatched(it)
    const before = gets(it)
    expect(await askAs(it, bodyFor(it, 1, { IP: '10.1.2.2' }))).toMatchObject({ status: 403, code: 'SUBJECT_MISMATCH' })
    expect(await askAs(it, bodyFor(it, 2))).toMatchObject({ status: 403, code: 'POD_ON_OTHER_NODE' })
    expect(gets(it)).toBe(before + 2)
  })

  test('that was never begun is missed by nobody: ready, and every pod is asked for', async () => {
    await using it = await openService({ verbs: ['get'] })
    expect(await probe(it, '/readyz')).toBe(200)
    for (let n = 0; n < 3; n++) expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
    expect(await signedFrom(it, 'live')).toBe(3)
  })

  test('carries over an outage of seconds: a document is signed, for the callback to ask about', async () => {
    await using it = await openService()
    await untilWatched(it)
    it.api.faults.away()
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
    expect(await askAs(it, bodyFor(it, 1, { IP: '10.1.2.2' }))).toMatchObject({ status: 503, code: 'API_UNAVAILABLE' })
  })

  test('is listened to: no document for a pod that is gone', async () => {
    await using it = await openService()
    await untilWatched(it)
    const { namespace, name } = it.pods[0]!
    await it.api.client('admin').delete(pathOf(PODS, { namespace, name }), { gracePeriodSeconds: 0 })
    const answer = await eventually(async () => {
      const { status, code } = await askAs(it, bodyFor(it))
      return status === 200 ? undefined : code
    })
    expect(answer).toBe('POD_UNKNOWN')
  })
})
