import { isIPv4 } from 'node:net'
import { expect, test } from 'vitest'
import { podAddresses } from './pod-addresses.ts'

test.each([0, 0.3, 0.999_999])('addresses are of the loopback network and never the same, wherever they begin (%f)', (random) => {
  const next = podAddresses(random)
  const addresses = Array.from({ length: 2_000 }, next)
  expect(new Set(addresses).size).toBe(addresses.length)
  for (const address of addresses) {
    expect(isIPv4(address)).toBe(true)
    expect(address).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-5])\.\d+\.\d+$/)
    expect(address).not.toMatch(/\.(0|1|255)$/)
  }
})

test('two sandboxes begin in different places', () => {
  expect(podAddresses(0.1)()).not.toBe(podAddresses(0.2)())
})
