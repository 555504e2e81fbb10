import { expect, test } from 'vitest'
import { cgroupFiles, programOf, residentIn, workingSetOf } from './container-memory.ts'

test.each([
  [['/usr/bin/node', '--optimize-for-size', '/usr/lib/athenz/athenz-callback/main.mjs', '--listen=:4443'], 'athenz-callback'],
  [['/usr/bin/athenz-sia', '--mode=refresh'], 'athenz-sia'],
  [['/pause'], undefined],
  [['sh', '-c', '/usr/bin/athenz-sia --mode=init'], undefined],
])('the program of %j is %s', (argv, program) => {
  expect(programOf(argv)).toBe(program)
})

test('a process is resident in memory of its own and of files', () => {
  const status = 'Name:\tnode\nVmRSS:\t   61440 kB\nRssAnon:\t   20480 kB\nRssFile:\t   40960 kB\nRssShmem:\t       0 kB\n'
  expect(residentIn(status)).toEqual({ resident: 60, anonymous: 20, file: 40 })
  expect(() => residentIn('Name:\tkthreadd\n')).toThrow('lacks VmRSS')
})

test('either version of cgroups has its files of memory', () => {
  const first = '9:name=systemd:/\n4:cpuacct,memory:/kubepods/podx/y\n0::/\n'
  expect(cgroupFiles(first).files.usage).toBe('/sys/fs/cgroup/memory/kubepods/podx/y/memory.usage_in_bytes')
  expect(cgroupFiles('0::/kubepods/podx/y\n').files.usage).toBe('/sys/fs/cgroup/kubepods/podx/y/memory.current')
})

test('idle pages of files are no part of the working set', () => {
  expect(workingSetOf('1000\n', 'inactive_file 5\ntotal_inactive_file 300\n', 'total_inactive_file')).toBe(700)
  expect(workingSetOf('1000\n', 'inactive_file 1200\n', 'inactive_file')).toBe(0)
  expect(() => workingSetOf('1', 'anon 1\n', 'inactive_file')).toThrow('lacks inactive_file')
})
