import { expect, test } from 'vitest'
import { cpuTimeOf, memoryOf, parseSmapsRollup, parseStat } from './proc.ts'

const ROLLUP = `5581f6a00000-7ffd2b1fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               43520 kB
Pss:               10240 kB
Pss_Anon:           9000 kB
Shared_Clean:      30000 kB
Anonymous:          9216 kB
`

test('memory is read in MiB, and no field is taken for another', () => {
  expect(parseSmapsRollup(ROLLUP)).toEqual({ resident: 42.5, proportional: 10, anonymous: 9 })
})

test('a kernel that does not say it is told from one that says zero', () => {
  expect(() => parseSmapsRollup('Rss: 1 kB\n')).toThrow('lacks a field')
})

test('processor time is read behind the name, whatever the name is', () => {
  const stat = '42 (a) (b c) S 1 42 42 0 -1 4194560 100 200 0 0 7 3 50 25 20 0 1 0 12345 1 1 1'
  expect(parseStat(stat)).toEqual({ own: 100, children: 750 })
})

test('the kernel of this machine is understood', () => {
  const { resident, proportional } = memoryOf(process.pid)
  expect(resident).toBeGreaterThanOrEqual(proportional)
  expect(cpuTimeOf('self').own).toBeGreaterThan(0)
})
