/** `removeImages` takes away what it names; in the original it took away nothing (spec/athenz-suite.md 6). */
import { describe, expect, test } from 'vitest'
import { parseTemplates } from './templates.ts'
import { initConfig, served } from './testing/init-config.ts'
import { CONTAINER, type Item, names, NATIVE, patched, podWith, run } from './testing/injecting.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`
const removing = (...removeImages: readonly string[]) => parseTemplates(initConfig({ removeImages }))
const REMOVING = removing('r:5000/old-sia', 'local/k8s-athenz-sia')
const old = (name: string, image: unknown): Item => ({ name, image })
const app = old('app', 'app')

describe.each<[string, readonly [string, unknown, boolean][]]>([
  [
    'local/mock-sia',
    [
      ['no tag', 'local/mock-sia', true],
      ['a tag', 'local/mock-sia:latest', true],
      ['a digest', `local/mock-sia@${DIGEST}`, true],
      ['a tag and a digest', `local/mock-sia:v1@${DIGEST}`, true],
      ['another name that begins alike', 'local/mock-sia-2:v1', false],
      ['a name below', 'local/mock-sia/x:v1', false],
      ['a name above', 'local:v1', false],
      ['the same name at a registry', 'r:5000/local/mock-sia:v1', false],
      ['upper case, which names another image', 'Local/Mock-SIA:v1', false],
      ['no image', '', false],
      ['no text for an image', 7, false],
      ['no field for an image', undefined, false],
    ],
  ],
  [
    'registry.example:5000/sia',
    [
      ['a registry with a port and no tag', 'registry.example:5000/sia', true],
      ['a registry with a port and a tag', 'registry.example:5000/sia:v1', true],
      ['a registry with another port', 'registry.example:5001/sia:v1', false],
      ['the registry alone, its port like a tag', 'registry.example:5000', false],
    ],
  ],
  // Whoever writes a tag into the list means the name, as in the original.
  ['local/mock-sia:v1', [['another tag', 'local/mock-sia:v2', true]]],
  [`[::1]:5000/sia@${DIGEST}`, [['an address for a registry', '[::1]:5000/sia:v1', true]]],
])('with %s to be removed', (name, rows) => {
  test.each(rows)('a container with %s: %s, removed: %s (W36)', (_what, image, removed) => {
    const pod = podWith({ containers: [app, old('x', image)], initContainers: [old('y', image)] })
    const { spec } = patched(pod, NATIVE, removing(name))
    expect(names(spec.containers)).toEqual(removed ? ['app'] : ['app', 'x'])
    expect(names(spec.initContainers)).toEqual(['sia-init', 'sia-refresh', ...(removed ? [] : ['y'])])
  })
})

test('containers are removed from both lists, whatever their tags, and never those that are injected (W36)', () => {
  const pod = podWith({
    initContainers: [old('a', 'r:5000/old-sia'), old('b', 'r:5000/old-sia-2'), old('sia-init', `r:5000/old-sia:v1@${DIGEST}`)],
    containers: [old('c', 'local/k8s-athenz-sia:v9'), app, old('d', 'r:5000/old-sia:v2')],
  })
  const after = patched(pod, NATIVE, REMOVING)
  expect(names(after.spec.initContainers)).toEqual(['sia-init', 'sia-refresh', 'b'])
  expect(names(after.spec.containers)).toEqual(['app'])
  expect(run(served(after), NATIVE, REMOVING)).toEqual({ kind: 'untouched' })
})

test('the refresher stays where it is a container with an image that is removed (W36)', () => {
  const after = patched(podWith({ containers: [app, old('c', 'local/k8s-athenz-sia:v9')] }), CONTAINER, REMOVING)
  expect(names(after.spec.containers)).toEqual(['sia-refresh', 'app'])
  expect(run(served(after), CONTAINER, REMOVING)).toEqual({ kind: 'untouched' })
})

test('a container that another webhook adds later is removed at the second look, without injecting again (W36, T25)', () => {
  const after = patched(podWith(), NATIVE, REMOVING)
  after.spec.containers.unshift({ name: 'late', image: 'r:5000/old-sia:v1' })
  expect(run(after, NATIVE, REMOVING)).toEqual({ kind: 'patched', patch: [{ op: 'remove', path: '/spec/containers/0' }] })
})

test('a pod of which nothing would be left is refused (W36)', () => {
  const pod = podWith({ containers: [{ name: 'x', image: 'r:5000/old-sia' }] })
  expect(run(pod, NATIVE, REMOVING)).toMatchObject({ kind: 'refused', reason: 'POD_UNSUPPORTED' })
})

test('a pod that does not ask keeps every container, as in the original (C10)', () => {
  expect(run(podWith({ containers: [old('x', 'r:5000/old-sia')] }, {}), NATIVE, REMOVING)).toEqual({ kind: 'untouched' })
})
