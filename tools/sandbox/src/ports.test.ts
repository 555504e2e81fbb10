import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from './ports.ts'

test('ports are named, different from each other, and can be listened on', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const
  const ports = await freePorts(names)
  expect(Object.keys(ports)).toEqual(names)
  expect(new Set(Object.values(ports)).size).toBe(names.length)
  for (const port of Object.values(ports)) {
    expect(port, 'no client of a connection is given it').toBeLessThan(32_768)
    const server = createServer()
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    await new Promise((resolve) => server.close(resolve))
  }
})
