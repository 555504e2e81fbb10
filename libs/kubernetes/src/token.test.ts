import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@pallas/host/testing'
import { expect, test } from 'vitest'
import { fileToken, withBearer } from './token.ts'

async function openTokenFile(content: string) {
  const dir = await mkdtemp(join(tmpdir(), 'token-'))
  const path = join(dir, 'token')
  await writeFile(path, content)
  return { path, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

test('a token is kept for a minute at most, then read again', async () => {
  await using file = await openTokenFile('first\n')
  const clock = new FakeClock()
  const token = fileToken({ path: file.path, clock, cacheMs: 3_600_000 })
  expect(await token()).toBe('first')
  await writeFile(file.path, 'second')
  await clock.advance(59_999)
  expect(await token()).toBe('first')
  await clock.advance(1)
  expect(await token()).toBe('second')
})

test('a refused token is read again at once', async () => {
  await using file = await openTokenFile('first')
  const token = fileToken({ path: file.path, clock: new FakeClock() })
  await token()
  await writeFile(file.path, 'second')
  expect(await token({ fresh: true })).toBe('second')
  expect(await token()).toBe('second')
})

test.each([
  ['an empty file', ''],
  ['a file of blanks', ' \n'],
  ['two lines', 'a\nb'],
  ['a token that could smuggle a header', 'a\r\nx-admin: yes'],
  ['something that is no text', '\u0000\u0001'],
])('%s is no token, and is not repeated in the error', async (_name, content) => {
  await using file = await openTokenFile(content)
  const failing = fileToken({ path: file.path, clock: new FakeClock() })()
  await expect(failing).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED', message: 'the token file holds no token' })
})

test('a file that is not there is said so', async () => {
  const failing = fileToken({ path: '/nonexistent/token', clock: new FakeClock() })()
  await expect(failing).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED', fields: { path: '/nonexistent/token' } })
})

test('a call is repeated once when its token was refused and there is a newer one', async () => {
  const sent: string[] = []
  const answer = await withBearer(
    (options) => Promise.resolve(options?.fresh === true ? 'new' : 'old'),
    (authorization) => {
      sent.push(authorization)
      return Promise.resolve({ status: authorization === 'Bearer new' ? 200 : 401 })
    },
  )
  expect(answer.status).toBe(200)
  expect(sent).toEqual(['Bearer old', 'Bearer new'])
})

test('a call is not repeated with the token that was refused', async () => {
  let calls = 0
  const attempt = () => {
    calls++
    return Promise.resolve({ status: 401 })
  }
  expect(await withBearer(() => Promise.resolve('same'), attempt)).toEqual({ status: 401 })
  expect(calls).toBe(1)
})
