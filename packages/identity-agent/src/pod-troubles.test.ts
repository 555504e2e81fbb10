import { chmodSync } from 'node:fs'
import { IdentityError } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { ZtsError } from '@pallas/zts'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { LONG_MS } from './outages.ts'
import type { PodNote } from './pod-events.ts'
import { csrFor, oneLivePod, POD } from './testing/one-pod.ts'
import { World } from './testing/world.ts'

const OTHER = aPod({ name: 'other-0', uid: 'dddddddd-0d7c-4c58-9c3a-2a7f6a1f0c11' })

async function told({ podEvents }: World): Promise<PodNote[]> {
  const notes: PodNote[] = []
  while (podEvents.size > 0) notes.push(await podEvents.next(AbortSignal.timeout(5_000)))
  return notes
}

test('a denial of issue is told to the pod, with the reason of the answer', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.issuer.willFail(new ZtsError('ZTS_REFUSED', 'x', { status: 403 }))
  const reply = await world.call(handle, 'init')
  const [note, ...more] = await told(world)
  expect(note).toMatchObject({ uid: POD.uid, reason: reply.body['code'] })
  expect(note?.message).toContain(String(reply.headers['x-request-id']))
  expect(more).toEqual([])
})

test('who comes with the handle of another is told, and so is that one', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [POD, OTHER]
  world.enter(OTHER)
  expect((await world.call(handle, 'init')).body['code']).toBe('HANDLE_PEER_MISMATCH')
  const notes = await told(world)
  expect(new Set(notes.map(({ uid, reason }) => `${uid} ${reason}`))).toEqual(
    new Set([`${POD.uid} HANDLE_PEER_MISMATCH`, `${OTHER.uid} HANDLE_PEER_MISMATCH`]),
  )
  expect(notes.find(({ uid }) => uid === OTHER.uid)?.message).not.toContain(POD.uid)
})

test('a process that is in no pod is told as one at the listener of the pod', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.enter({ uid: 'nonsense' })
  expect((await world.call(handle, 'init')).body['code']).toBe('NOT_A_POD')
  expect(await told(world)).toMatchObject([{ uid: POD.uid, reason: 'NOT_A_POD' }])
})

test('what is away is told when it has been for long, at a renewal as such, and no more once it is back', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.signer = new IdentityError('SIGNER_UNAVAILABLE', 'away')
  await world.call(handle, 'init')
  expect(await told(world)).toEqual([])
  await world.clock.advance(LONG_MS)
  await world.call(handle, 'refresh', { body: { csr: await csrFor(nodeKey()) } })
  expect(await told(world)).toMatchObject([
    { uid: POD.uid, reason: 'SIGNER_UNAVAILABLE', message: expect.stringContaining('identity not renewed for minutes') as string },
  ])
  world.signer = undefined
  expect((await world.call(handle, 'init')).status).toBe(200)
  world.signer = new IdentityError('SIGNER_UNAVAILABLE', 'away')
  await world.clock.advance(10 * LONG_MS)
  await world.call(handle, 'init')
  expect(await told(world)).toEqual([])
})

test('bytes that are wrong are no event, whatever they are: no text of a pod gets into one (T46)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const mark = 'say-this-in-an-event'
  const headers = { 'x-request-id': mark, 'user-agent': mark }
  world.issuer.willFail(new ZtsError('ZTS_REFUSED', mark, { status: 403 }))
  for (const body of [{ csr: mark }, { csr: await csrFor(nodeKey()), [mark]: mark }, mark]) {
    await world.call(handle, 'init', { body: body as object, headers })
  }
  await world.call(handle, `init/${mark}` as 'init', { headers })
  const notes = await told(world)
  expect(notes.length).toBeGreaterThan(0)
  for (const note of notes) expect(JSON.stringify(note)).not.toContain(mark)
  expect(notes.map(({ reason }) => reason)).not.toContain('BODY_INVALID')
})

test('a flood of denials from one pod is one event', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [{ ...POD, hostNetwork: true }]
  for (let n = 0; n < 40; n++) await world.call(handle, 'names')
  expect(await told(world)).toMatchObject([{ uid: POD.uid, reason: 'HOST_NETWORK_REFUSED' }])
})

test('a volume that is not served is told to the pod that it claims to be of', async () => {
  await using world = await World.open()
  world.pods = [POD]
  const handle = world.addVolume(POD)
  chmodSync(world.pathsOf(handle).mount, 0o777)
  await world.startAgent()
  expect(await told(world)).toMatchObject([{ uid: POD.uid, reason: 'VOLUME_UNTRUSTED' }])
})
