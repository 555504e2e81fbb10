import { describe, test } from 'vitest'

test.fails('a test that prints fails', () => {
  console.log('printed')
})

test('the next one is not to blame', () => undefined)

describe.concurrent('tests at the same time', () => {
  const quick = Promise.withResolvers<void>()

  test('one that prints nothing and ends first is in order', ({ onTestFinished }) => {
    onTestFinished(() => quick.resolve())
  })
  test.fails('one that prints after the end of another fails', async () => {
    await quick.promise
    console.log('printed late')
  })
})
