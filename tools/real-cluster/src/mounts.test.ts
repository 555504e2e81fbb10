import { expect, test } from 'vitest'
import { mountsAt, parseMountInfo } from './mounts.ts'

const TABLE = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /var/lib/kubelet rw shared:7 - ext4 /dev/vda rw
31 30 0:26 / /var/lib/kubelet/pods/a\\040b rw - tmpfs tmpfs rw
32 22 0:27 / /var/lib/kubelet2 rw - tmpfs tmpfs rw
33 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw
`

test('a mount table is read with its types, and its escapes undone', () => {
  expect(parseMountInfo(TABLE).slice(2)).toEqual([
    { path: '/var/lib/kubelet/pods/a b', type: 'tmpfs' },
    { path: '/var/lib/kubelet2', type: 'tmpfs' },
    { path: '/sys/fs/cgroup', type: 'cgroup2' },
  ])
})

test('what is mounted at and below a directory comes in the order in which it must go', () => {
  expect(mountsAt('/var/lib/kubelet', parseMountInfo(TABLE))).toEqual(['/var/lib/kubelet/pods/a b', '/var/lib/kubelet'])
  expect(mountsAt('/var/lib/none', parseMountInfo(TABLE))).toEqual([])
})
