import { expect, test } from 'vitest'
import { readAnswer } from './connection.ts'

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello'

test('an answer is one when all of it is there, and leaves what comes after it', () => {
  for (let length = 0; length < answer.length; length++) {
    expect(readAnswer(Buffer.from(answer.slice(0, length)))).toBeUndefined()
  }
  expect(readAnswer(Buffer.from(`${answer}HTTP`))).toEqual({ status: 200, length: answer.length })
})

test('an answer without a body may say no length; any other must', () => {
  expect(readAnswer(Buffer.from('HTTP/1.1 204 No Content\r\nX: y\r\n\r\n'))?.status).toBe(204)
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
  expect(() => readAnswer(chunked)).toThrow('without a length')
})
