/** From a request of the workload through the cache of this program to ZTS and back, as the programs are put together. */
import { expect, test } from 'vitest'
import { askZts, openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES } from '../testing/test-agent.ts'
import { ztsError } from '../testing/test-zts.ts'
import { nodeCompanions } from './companion-home.ts'

const SERVER = ['--token-server-addr=127.0.0.1:0', '--token-server-rest-api', '--use-token-server']

async function open(...argv: readonly string[]) {
  const pod = await openPod()
  pod.zts.roles.set('media:role.reader', [NAMES.commonName])
  const { promise: port, resolve } = Promise.withResolvers<string>()
  const write = (line: string) => {
    const [, found] = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? []
    if (found !== undefined) resolve(found)
  }
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...askZts, ...SERVER, ...argv], nodeCompanions({ process, logTo: { write } }))
  await pod.host.clock.advance(0)
  const url = `http://127.0.0.1:${await port}`
  // The identity is there before anybody asks.
  while (pod.said('credentials published') === 0) await pod.host.clock.advance(1_000)
  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const held = async (headers: Record<string, string>) => {
    const answer = await fetch(`${url}/`, { headers })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
  }
  return { pod, ask, held, [Symbol.asyncDispose]: () => ending(pod, stopped()) }
}

/** Time goes on while it ends. */
async function ending({ host }: Pod, done: Promise<void>): Promise<void> {
  const state = { isOver: false }
  const over = done.finally(() => void (state.isOver = true))
  while (!state.isOver) await host.clock.advance(1)
  await over
}

const asked = ({ zts }: Pod) => zts.requests.filter(({ path }) => /token/.test(path)).length

test('a token is got with the certificate of the pod, once for all who ask, and then held', async () => {
  await using it = await open('--token-type=roletoken+accesstoken')
  const wish = { domain: 'media', role: 'reader' }
  const answers = await Promise.all([1, 2, 3].map(() => it.ask('/accesstoken', wish)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(new Set(answers.map(({ body }) => body['access_token'])).size).toBe(1)
  expect(answers[0]?.body).toMatchObject({ token_type: 'Bearer', expires_in: 7_200 })
  expect(asked(it.pod)).toBe(1)

  const role = await it.ask('/roletoken', wish)
  expect(role).toMatchObject({ status: 200, body: { token: expect.stringContaining('v=Z1;d=media;r=reader;') } })
  const headers = { 'x-athenz-domain': 'media', 'x-athenz-role': 'reader' }
  const { status, headers: given, body } = await it.held(headers)
  expect(status).toBe(200)
  expect(given.get('authorization')).toBe(`bearer ${String(answers[0]?.body['access_token'])}`)
  expect(body['roletoken']).toBe(role.body['token'])
  expect(asked(it.pod)).toBe(2)
})

test('what nobody asked for is not held', async () => {
  await using it = await open()
  const { status, body } = await it.held({ 'x-athenz-domain': 'media', 'x-athenz-role': 'reader' })
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'TOKEN_NOT_CACHED' } })
  expect(asked(it.pod)).toBe(0)
})

test.each([
  ['a role that this pod has not', undefined, 403, 'ISSUER_DENIED'],
  ['a domain that ZTS does not know', ztsError(404, 'no such domain'), 404, 'DOMAIN_UNKNOWN'],
  ['what ZTS cannot read', ztsError(400, 'invalid scope'), 400, 'BODY_INVALID'],
  ['a ZTS that is away', ztsError(503, 'busy', { 'retry-after': '9' }), 503, 'ISSUER_UNAVAILABLE'],
  ['the page of a proxy', { status: 404, headers: {}, body: '<html>' }, 503, 'ISSUER_UNAVAILABLE'],
])('%s is told as what it is', async (_what, instead, status, code) => {
  await using it = await open()
  if (instead !== undefined) it.pod.zts.instead.push(instead)
  expect(await it.ask('/accesstoken', { domain: 'media', role: 'writer' })).toMatchObject({ status, body: { code } })
})

test('without TOKEN_TYPE there is no role token to be had', async () => {
  await using it = await open('--token-server-timeout=5s')
  expect((await it.held({})).status).toBe(400)
  const answer = await it.ask('/roletoken', { domain: 'media' })
  // Header mode has every path that is not taken.
  expect(answer).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } })
  expect(asked(it.pod)).toBe(0)
})
