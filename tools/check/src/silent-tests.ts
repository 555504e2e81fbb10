/** Set up for every test file: whatever a test prints to the console fails it, or one that ran beside it. */
import { afterEach, beforeEach, expect, vi } from 'vitest'

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const
const running = new Map<string, string>()
const said: string[] = []

/** The first and the last of those that run at the same time: what prints between tests may. */
beforeEach(({ task }) => {
  if (running.size === 0) {
    said.length = 0
    for (const method of METHODS) vi.spyOn(console, method).mockImplementation((...words) => void said.push(words.join(' ')))
  }
  running.set(task.id, task.name)
})

afterEach(({ task }) => {
  const beside = [...running.values()]
  running.delete(task.id)
  if (running.size === 0) vi.restoreAllMocks()
  expect(said.splice(0), beside.length > 1 ? `a test must not print; one of these did: ${beside.join('; ')}` : 'a test must not print').toEqual([])
})
