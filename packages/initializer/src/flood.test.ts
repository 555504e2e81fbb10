/** Any pod may call the webhook: what it sends neither ends the program nor keeps a pod from being made. */
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { ADMISSION_BODY_LIMIT } from '@pallas/kubernetes'
import { eventually } from '@pallas/kubernetes/testing'
import { clientDispatcher } from '@pallas/service'
import { type Dispatcher, request } from 'undici'
import { expect, test } from 'vitest'
import { LANES, SMALL_BODY_BYTES } from './body-lanes.ts'
import { VALUE_LIMIT } from './dense-json.ts'
import { openOwnProcess } from './testing/own-process.ts'
import { asking, openWebhook, plainSpec, REVIEW_UID, reviewOf, type Webhook } from './testing/webhook.ts'

/** Of the container, as it is deployed. */
const LIMIT_MIB = Number(/limits: \{ memory: (\d+)Mi \}/.exec(readFileSync(new URL('../../../deploy/base/initializer.yaml', import.meta.url), 'utf8'))?.[1])

const GOOD = JSON.stringify(reviewOf({ metadata: asking, spec: plainSpec }))

/** A body of this length; of so many values, each an empty object. */
function heavy(bytes: number, { key = 'pad', values = Math.floor(bytes / 3), pad = 'x' } = {}): string {
  const text = `{"${key}":[${'{},'.repeat(values - 20)}{}],"pad":"`
  return `${text}${pad.repeat((bytes - text.length - 2) / Buffer.byteLength(pad))}"}`
}

const MOST = { values: VALUE_LIMIT }

test.each([
  ['the longest bodies', [heavy(ADMISSION_BODY_LIMIT), heavy(ADMISSION_BODY_LIMIT, MOST), heavy(ADMISSION_BODY_LIMIT, { ...MOST, key: '__proto__', pad: 'ā' })]],
  ['more of the common length than there is room for', [heavy(SMALL_BODY_BYTES), heavy(SMALL_BODY_BYTES, { key: '__proto__' })]],
])('%s, many at once: memory stays below the limit of the container, and a review is answered (T26)', async (_what, bodies) => {
  await using it = await openOwnProcess({ limitMiB: LIMIT_MIB })
  // An API server keeps the connection that it has.
  await using calm = clientDispatcher({ ca: it.caPem })
  await using wild = clientDispatcher({ ca: it.caPem })
  const post = async (body: string, dispatcher: Dispatcher = calm) => {
    const answer = await request(`${it.url}/mutate`, { method: 'POST', dispatcher, headers: { 'content-type': 'application/json' }, body })
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body: (await answer.body.json()) as { response?: { uid: string; allowed: boolean } } }
  }
  expect(await post(GOOD)).toMatchObject({ status: 200 })
  const flood = Array.from({ length: 51 }, (_, index) => post(bodies[index % bodies.length] ?? '', wild).catch(() => 'cut' as const))
  const good = await post(GOOD)
  const seen = await Promise.all(flood)
  expect(good).toMatchObject({ status: 200, body: { response: { uid: REVIEW_UID, allowed: true } } })
  const answered = seen.filter((it) => it !== 'cut')
  // Read and no review, or told to come again; who sends for too long is cut off.
  for (const { status, retryAfter } of answered) expect([status, retryAfter]).toEqual(status === 429 ? [429, '1'] : [400, undefined])
  expect(answered.filter(({ status }) => status === 400).length).toBeGreaterThan(0)
  expect(await post(GOOD)).toMatchObject({ status: 200 })
  expect(it.isRunning()).toBe(true)
  expect(await it.peakMiB()).toBeLessThan(0.9 * LIMIT_MIB)
}, 60_000)

test('a body that no api server sends is refused before it is read', async () => {
  await using it = await openWebhook()
  expect(await it.post(heavy(ADMISSION_BODY_LIMIT + 10))).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
})

test('large bodies that never come hold up no others, one too many is told to come again, and when they are gone there is room (T26)', async () => {
  await using it = await openWebhook()
  const { most, waiting } = LANES.large
  const callers = Array.from({ length: most + waiting }, () => beginBody(it))
  await eventually(async () => ((await it.post(heavy(SMALL_BODY_BYTES + 10))).status === 429 ? true : undefined))
  expect(await it.post(GOOD)).toMatchObject({ status: 200 })
  for (const caller of callers) caller.destroy()
  await eventually(async () => ((await it.post(heavy(SMALL_BODY_BYTES + 10))).status === 400 ? true : undefined))
})

/** Says that it will send the longest body there is, and sends a byte. */
function beginBody({ url, ca }: Webhook): TLSSocket {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca: ca.certPem })
  socket.on('error', () => undefined)
  socket.write(`POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${ADMISSION_BODY_LIMIT}\r\n\r\n{`)
  return socket
}
