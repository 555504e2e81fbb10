import { IdentityError, type Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import type { SubjectRequest } from '@pallas/wire'
import { describe, expect, test } from 'vitest'
import { findSubject } from './find-subject.ts'
import { asked } from './testing/asked.ts'

const OTHER = '11111111-2222-3333-4444-555555555555'
const away = new IdentityError('API_UNAVAILABLE', 'away')

interface Shown {
  /** By UID, as the watch shows it. */
  readonly watched?: Pod
  /** By name, as the API server shows it now. */
  readonly live?: Pod | Error
}

async function find({ watched, live }: Shown, other: Partial<SubjectRequest> = {}) {
  let asks = 0
  const found = findSubject({ ...asked, ...other }, 'node-1', {
    watchedPod: (wanted) => (watched?.uid === wanted ? watched : undefined),
    findPod: async () => {
      asks++
      if (live instanceof Error) throw live
      return live
    },
    names: () => someNameRules(),
  })
  const outcome = await found.then(({ seen, subject }) => `${seen} ${subject.ip}`, ({ code }: IdentityError) => code)
  return { outcome, asks }
}

test('a pod that the watch shows just as the agent says is asked for nowhere else', async () => {
  expect(await find({ watched: aPod(), live: aPod() })).toEqual({ outcome: 'watch 10.1.2.3', asks: 0 })
})

test('so it is while the API server is away: the callback asks it before anything comes of the document', async () => {
  expect(await find({ watched: aPod(), live: away })).toEqual({ outcome: 'watch 10.1.2.3', asks: 0 })
})

const doubts: readonly [string, Pod | undefined, Partial<SubjectRequest>][] = [
  ['has not seen it', undefined, {}],
  ['shows it on another node', aPod({ node: 'node-2' }), {}],
  ['shows it on no node yet', aPod({ node: '' }), {}],
  ['shows another pod', aPod({ uid: OTHER }), {}],
  ['shows it under another name', aPod({ name: 'web-1' }), {}],
  ['shows it in another namespace', aPod({ namespace: 'media-on--line' }), {}],
  ['shows it with another service account', aPod({ serviceAccount: 'db' }), {}],
  ['shows it with another address', aPod({ ip: '10.1.2.4' }), {}],
  ['shows it without an address', aPod({ ip: '' }), {}],
  ['shows it terminating', aPod({ deleting: true }), {}],
  ['shows that it succeeded', aPod({ phase: 'Succeeded' }), {}],
  ['shows that it failed', aPod({ phase: 'Failed' }), {}],
  ['shows it on the network of its host', aPod({ hostNetwork: true }), {}],
  ['has it, and the agent names no UID', aPod(), { uid: undefined }],
]

describe('when the watch', () => {
  test.each(doubts)('%s, what the API server shows now is signed for', async (_name, watched, request) => {
    const shown = watched === undefined ? {} : { watched }
    expect(await find({ ...shown, live: aPod() }, request)).toEqual({ outcome: 'live 10.1.2.3', asks: 1 })
  })

  test.each(doubts)('%s, there is no document without the API server', async (_name, watched, request) => {
    const shown = watched === undefined ? {} : { watched }
    expect(await find({ ...shown, live: away }, request)).toEqual({ outcome: 'API_UNAVAILABLE', asks: 1 })
  })
})

test.each<[string, string, Partial<SubjectRequest>, Pod | undefined]>([
  ['of a pod on another node', 'POD_ON_OTHER_NODE', {}, aPod({ node: 'node-2' })],
  ['of a pod that is gone', 'POD_UNKNOWN', {}, undefined],
  ['of a pod that was replaced', 'POD_UNKNOWN', {}, aPod({ uid: OTHER })],
  ['of a pod that has ended', 'POD_ENDED', {}, aPod({ phase: 'Failed' })],
  ['with another domain', 'DOMAIN_MISMATCH', { domain: 'media' }, aPod()],
  ['with another service', 'SERVICE_MISMATCH', { service: 'db' }, aPod()],
  ['with another address', 'SUBJECT_MISMATCH', { ip: '10.9.9.9' }, aPod()],
  ['for one pod with the UID of another', 'POD_UNKNOWN', { name: 'web-1' }, aPod({ name: 'web-1', uid: OTHER })],
])('asked %s, the live answer refuses: %s (W5, W8)', async (_name, code, request, live) => {
  const watched = live?.uid === aPod().uid ? live : aPod({ node: 'node-2' })
  expect(await find({ watched, ...(live === undefined ? {} : { live }) }, request)).toEqual({ outcome: code, asks: 1 })
})
