import { expect, test } from 'vitest'
import { DRIVER, oneBetween, talliesIn } from './kubelet-metrics.ts'

const sample = (name: string, operation: string, plugin: string, status: string, value: string) =>
  `storage_operation_duration_seconds_${name}{migrated="false",operation_name="${operation}",status="${status}",volume_plugin="${plugin}"} ${value}`

const TEXT = [
  '# TYPE storage_operation_duration_seconds histogram',
  sample('bucket', 'volume_mount', DRIVER, 'success', '9'),
  sample('sum', 'volume_mount', DRIVER, 'success', '0.9'),
  sample('count', 'volume_mount', DRIVER, 'success', '20'),
  sample('sum', 'volume_mount', DRIVER, 'fail-unknown', '7'),
  sample('sum', 'volume_mount', 'kubernetes.io/secret', 'success', '1.3e+01'),
  sample('sum', 'verify_controller_attached_volume', DRIVER, 'success', '5'),
].join('\n')

test("of the kubelet's metrics only what succeeded with the driver counts, and what it never did is nought", () => {
  expect(talliesIn(TEXT, DRIVER)).toEqual({ volume_mount: { count: 20, ms: 900 }, volume_unmount: { count: 0, ms: 0 } })
  expect(talliesIn(TEXT, 'kubernetes.io/secret').volume_mount.ms).toBe(13_000)
})

test('between two looks one operation is a sample, and none or several are not', () => {
  expect(oneBetween({ count: 1, ms: 10 }, { count: 2, ms: 35 })).toBe(25)
  expect(oneBetween({ count: 1, ms: 10 }, { count: 1, ms: 10 })).toBeUndefined()
  expect(oneBetween({ count: 1, ms: 10 }, { count: 3, ms: 60 })).toBeUndefined()
})
