/** Set up for every test file: whatever a test prints to the console fails it. */
import { afterEach, beforeEach, expect, vi } from 'vitest'

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const
let said: string[] = []

beforeEach(() => {
  said = []
  for (const method of METHODS) vi.spyOn(console, method).mockImplementation((...words) => void said.push(words.join(' ')))
})

afterEach(() => {
  vi.restoreAllMocks()
  expect(said, 'a test must not print').toEqual([])
})
