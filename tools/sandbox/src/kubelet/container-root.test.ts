import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { rootScript } from './container-root.ts'

const MOUNTS = [
  { hostPath: '/host/a', mountPath: '/tls', readOnly: true },
  { hostPath: "/host/it's", mountPath: '/scratch', readOnly: false },
]
const script = rootScript('/r', MOUNTS, ['/programs'])
const at = (text: string): number => {
  const found = script.indexOf(text)
  expect(found, text).toBeGreaterThanOrEqual(0)
  return found
}

test('a shell can read it', () => {
  expect(execFileSync('sh', ['-n', '-c', script], { encoding: 'utf8' })).toBe('')
})

test('everything is mounted before the gate, and the root changed after it', () => {
  expect(at("'/r/tls'")).toBeLessThan(at('read -r _'))
  expect(at("'/r/scratch'")).toBeLessThan(at('read -r _'))
  expect(at("'/r/programs'")).toBeLessThan(at('read -r _'))
  expect(at('read -r _')).toBeLessThan(at("exec chroot '/r'"))
})

test('a read-only volume is bound, then remounted, since one call does not do it', () => {
  expect(at("mount --rbind '/host/a' '/r/tls'")).toBeLessThan(at("mount -o remount,bind,ro '/r/tls'"))
  expect(script).not.toContain("ro '/r/scratch'")
})

test('a quote in a path is no way out of it', () => {
  expect(script).toContain(`'/host/it'\\''s'`)
})
