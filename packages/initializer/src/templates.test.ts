import { expect, test } from 'vitest'
import { TemplatesError } from './error.ts'
import { parseTemplates } from './templates.ts'
import { initConfig, TRIGGER } from './testing/init-config.ts'

const problemsOf = (text: string): readonly string[] => {
  try {
    parseTemplates(text)
  } catch (error) {
    expect(error).toBeInstanceOf(TemplatesError)
    return (error as TemplatesError).problems
  }
  return []
}

test('the original schema is read as it is (C10)', () => {
  const templates = parseTemplates(initConfig({ removeImages: ['local/mock-sia', 'r:5000/a:v1'] }))
  expect(templates).toMatchObject({
    name: 'athenz.initializer.kubernetes.io',
    annotationTrigger: TRIGGER,
    removeImages: ['local/mock-sia', 'r:5000/a'],
    init: { name: 'sia-init', command: ['/usr/bin/athenz-sia'] },
    refresh: { name: 'sia-refresh' },
    volume: { name: 'sia-identity', flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver' } },
    scratch: ['ntoken', 'tlscerts'],
  })
})

test('templates may be mappings instead of text, and numbers are those of go: a leading zero is octal', () => {
  const volumeTemplate = { name: 'sia-identity', configMap: { name: 'x' } }
  expect(parseTemplates(initConfig({ volumeTemplate })).volume).toEqual(volumeTemplate)
  const text = 'name: sia-identity\nsecret:\n  secretName: x\n  defaultMode: 0400\n  optional: null\n'
  expect(parseTemplates(initConfig({ volumeTemplate: text })).volume).toEqual({
    name: 'sia-identity',
    secret: { secretName: 'x', defaultMode: 256 },
  })
})

test.each([
  ['says nothing of it', {}],
  ['says otherwise', { readOnly: false }],
  ['is of another vendor, with options', { driver: 'example.org/athenz-volume-driver', options: { a: 'b' } }],
])('a volume of our driver is read-only where the template %s (W2)', (_what, more) => {
  const flexVolume = { driver: 'athenz.kubernetes.io/athenz-volume-driver', ...more }
  const { volume } = parseTemplates(initConfig({ volumeTemplate: { name: 'sia-identity', flexVolume } }))
  expect(volume).toEqual({ name: 'sia-identity', flexVolume: { ...flexVolume, readOnly: true } })
})

test('a volume of another driver is as the template says', () => {
  const volumeTemplate = { name: 'sia-identity', flexVolume: { driver: 'example.org/not-athenz-volume-driver' } }
  expect(parseTemplates(initConfig({ volumeTemplate })).volume).toEqual(volumeTemplate)
})

test('without a trigger every pod is meant', () => {
  expect(parseTemplates(initConfig({ annotationTrigger: undefined })).annotationTrigger).toBe('')
})

const MOUNTS = [{ name: 'sia-identity', mountPath: '/identity' }]

test.each<[string, string, RegExp]>([
  ['no yaml', 'a: [', /^init-config is not yaml: /],
  ['a list', '- a', /^init-config is not a mapping/],
  ['two documents', `${initConfig()}---\n${initConfig()}`, /^init-config is not yaml: /],
  ['a key twice', `${initConfig()}name: other\n`, /^init-config is not yaml: /],
  ['a misspelt field', initConfig({ removeImage: [] }), /^removeImage is not a field/],
  ['no name', initConfig({ name: '' }), /^name is missing/],
  ['a trigger that is no text', initConfig({ annotationTrigger: true }), /^annotationTrigger is not text/],
  ['an image that is only a tag', initConfig({ removeImages: ['a', ':v1'] }), /^removeImages is not a list/],
  ['an image that is only a digest', initConfig({ removeImages: ['@sha256:00'] }), /^removeImages is not a list/],
  ['an image without a name', initConfig({ removeImages: [''] }), /^removeImages is not a list/],
  ['images that are no list', initConfig({ removeImages: 'a' }), /^removeImages is not a list/],
  ['no init template', initConfig({ initTemplate: undefined }), /^initTemplate is missing/],
  ['bad yaml in a template', initConfig({ initTemplate: '{' }), /^initTemplate is not yaml: /],
  ['a container without an image', initConfig({ initTemplate: { name: 'a', volumeMounts: MOUNTS } }), /^initTemplate has no image/],
  ['a container with a bad name', initConfig({ initTemplate: { name: 'A b', image: 'i' } }), /^initTemplate has no name that/],
  ['mounts of another shape', initConfig({ initTemplate: { name: 'a', image: 'i', volumeMounts: ['x'] } }), /^initTemplate has volumeMounts/],
  ['two containers of one name', initConfig({ initTemplate: { name: 'sia-refresh', image: 'i', volumeMounts: MOUNTS } }), /same name/],
  ['a container that does not mount the volume', initConfig({ initTemplate: { name: 'a', image: 'i' } }), /^container a does not mount volume sia-identity/],
  ['an init container that never ends', initConfig({ initTemplate: { name: 'a', image: 'i', volumeMounts: MOUNTS, restartPolicy: 'Always' } }), /^initTemplate must end/],
  ['a volume of two kinds', initConfig({ volumeTemplate: { name: 'v', emptyDir: {}, hostPath: {} } }), /^volumeTemplate must have a name and one source/],
  ['a value that json cannot hold', initConfig({ volumeTemplate: 'name: v\ncsi: {driver: 2020-01-01}' }), /^volumeTemplate is not a mapping of plain/],
])('%s is refused', (_what, text, problem) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(problem)])
})

test('all problems are told at once', () => {
  expect(problemsOf('nam: x')).toEqual([
    'initTemplate is missing',
    'refreshTemplate is missing',
    'volumeTemplate is missing',
    'name is missing',
    'nam is not a field',
  ])
})

test('a bomb of aliases is refused, not unpacked', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)
  expect(problemsOf(`l0: &l0 [x]\n${levels.join('\n')}`)).toEqual(['init-config has too many aliases'])
})
