import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkSamePod, parseMountDir, parseOptions } from './request.ts'
import { mountDirOf, mountOptions, POD_UID } from './testing/kubelet-calls.ts'

describe('a mount directory', () => {
  test.each([
    ['of the usual kubelet', '/var/lib/kubelet'],
    ['of a kubelet elsewhere', '/STATE/kubelet'],
    ['of a kubelet whose root looks like a pod', `/pods/${POD_UID}/volumes/x/y`],
    ['of a kubelet at the root of the host', ''],
  ])('%s names its pod', (_name, root) => {
    const path = mountDirOf(root)
    const parent = path.slice(0, path.lastIndexOf('/'))
    expect(parseMountDir(path)).toEqual({ path, parent, podUid: POD_UID })
  })

  test('of a static pod has a uid without dashes', () => {
    expect(parseMountDir(mountDirOf('/k', '0123456789abcdef0123456789abcdef')).podUid).toHaveLength(32)
  })

  const good = mountDirOf('/k')
  test.each([
    ['nothing', ''],
    ['the root', '/'],
    ['a relative path', good.slice(1)],
    ['a trailing slash', `${good}/`],
    ['a double slash', good.replace('/volumes', '//volumes')],
    ['a dot', good.replace('/volumes', '/./volumes')],
    ['a way up', `/k/pods/${POD_UID}/volumes/d/../v`],
    ['a way up at the end', `/k/pods/${POD_UID}/volumes/d/..`],
    ['a nul', `${good}\0`],
    ['a path beyond what the kernel takes', mountDirOf(`/${'x/'.repeat(2_050)}x`)],
    ['another directory than pods', good.replace('/pods/', '/pod/')],
    ['another directory than volumes', good.replace('/volumes/', '/volume/')],
    ['a directory above', good.slice(0, good.lastIndexOf('/'))],
    ['a directory below', `${good}/connect`],
    ['a uid in upper case', mountDirOf('/k', POD_UID.toUpperCase())],
    ['a uid with an escape', mountDirOf('/k', `${POD_UID.slice(0, -3)}%2f`)],
    ['a pod name in the place of the uid', mountDirOf('/k', 'flexpod')],
  ])('cannot be %s', (_name, path) => {
    expect(() => parseMountDir(path)).toThrow(expect.objectContaining({ code: 'MOUNT_DIR_INVALID' }))
  })

  test('whatever is accepted has no detour in it (T10)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', '.', '..', 'k', 'pods', 'volumes', POD_UID), { maxLength: 9 }), (parts) => {
        const path = parts.join('/')
        try {
          expect(parseMountDir(path).path.split('/').slice(1)).not.toContain('..')
          expect(path).not.toMatch(/\/\/|\/\.(\/|$)|\/$/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MOUNT_DIR_INVALID' })
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('options', () => {
  test('give the pod, whatever else they hold', () => {
    const pod = { namespace: 'default', name: 'flexpod', uid: POD_UID, serviceAccount: 'wl' }
    expect(parseOptions(mountOptions())).toEqual({ pod, isReadOnly: true })
    expect(parseOptions(mountOptions({ 'kubernetes.io/fsGroup': '1', more: 'x'.repeat(10_000) }))).toEqual({ pod, isReadOnly: true })
  })

  test.each(['rw', '', 'RO', 'ro ', undefined])('that say %j for readwrite are not read-only', (readwrite) => {
    expect(parseOptions(mountOptions({ 'kubernetes.io/readwrite': readwrite })).isReadOnly).toBe(false)
  })

  test.each([
    ['no json', 'hunter2'],
    ['two documents', '{}{}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"x"'],
    ['an empty object', '{}'],
    ['no text', ''],
    ['too long a text', JSON.stringify({ x: 'x'.repeat(70_000) })],
    ['a deep text', '['.repeat(60_000)],
    ['keys of a prototype', '{"__proto__":{"kubernetes.io/pod.name":"a"}}'],
    ...['pod.name', 'pod.namespace', 'pod.uid', 'serviceAccount.name'].flatMap((key): [string, string][] => [
      [`no ${key}`, mountOptions({ [`kubernetes.io/${key}`]: undefined })],
      [`an empty ${key}`, mountOptions({ [`kubernetes.io/${key}`]: '' })],
      [`a ${key} that is a path`, mountOptions({ [`kubernetes.io/${key}`]: '../x' })],
      [`a ${key} with a line break`, mountOptions({ [`kubernetes.io/${key}`]: 'a\nb' })],
      [`a ${key} beyond any length`, mountOptions({ [`kubernetes.io/${key}`]: 'a'.repeat(300) })],
    ]),
    ['a number for a name', '{"kubernetes.io/pod.name":1}'],
    ['a namespace with a dot', mountOptions({ 'kubernetes.io/pod.namespace': 'a.b' })],
  ])('cannot be %s, and are not quoted (T44)', (_name, json) => {
    const refusal = expect(() => parseOptions(json))
    refusal.toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
    refusal.not.toThrow(/hunter2/)
  })

  test('are read or refused, whatever they are (T44)', () => {
    const known = JSON.parse(mountOptions()) as Record<string, string>
    const spoilt = fc.subarray(Object.keys(known)).chain((keys) =>
      fc.tuple(...keys.map(() => fc.oneof(fc.string(), fc.jsonValue()))).map((values) =>
        JSON.stringify({ ...known, ...Object.fromEntries(keys.map((key, index) => [key, values[index]])) }),
      ),
    )
    let read = 0
    const property = fc.property(fc.oneof(fc.string(), fc.json(), spoilt), (json) => {
      try {
        expect(parseOptions(json).pod.uid).toBe(POD_UID)
        read++
      } catch (error) {
        expect(error).toMatchObject({ code: 'OPTIONS_INVALID' })
      }
    })
    fc.assert(property, { numRuns: 5_000 })
    expect(read).toBeGreaterThan(50)
  })

  test('of another pod than the directory are refused (W14)', () => {
    const { pod: options } = parseOptions(mountOptions({ 'kubernetes.io/pod.uid': '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11' }))
    const check = () => checkSamePod(parseMountDir(mountDirOf('/k')), options)
    expect(check).toThrow(expect.objectContaining({ code: 'POD_UID_MISMATCH' }))
  })
})
