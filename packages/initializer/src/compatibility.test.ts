/**
 * The initializer of the original, line by line (spec/athenz-suite.md 1.1, 6, 11.3 and 18): what stays as it was, and what
 * differs on purpose. What it makes of a pod is in `original.test.ts`.
 */
import { readSettings } from '@pallas/config/testing'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { program } from './settings.ts'
import { parseTemplates } from './templates.ts'
import { initConfig } from './testing/init-config.ts'

/** Deviation: a webhook serves TLS, so it needs a pair; the original served nothing. */
const PAIR = ['--key=/k', '--cert=/c']

const settingsOf = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  readSettings(program, { argv: [...PAIR, ...argv], env })

test('the program is called athenz-initializer (C1)', () => {
  expect([program.name, Object.keys(manifest.bin)]).toEqual(['athenz-initializer', ['athenz-initializer']])
})

describe.each([
  ['config-namespace', 'CONFIG_NAMESPACE', 'configNamespace', 'default', 'k8s-admin', 'k8s-admin'],
  ['config-map', 'CONFIG_MAP', 'configMap', 'athenz-initializer', 'other', 'other'],
  ['sync-interval', 'SYNC_INTERVAL', 'syncInterval', 60_000, '90s', 90_000],
] as const)('--%s', (flag, env, key, byDefault, given, read) => {
  test.each([
    ['is set by its flag', [`--${flag}=${given}`], {}, read],
    ['is set with one dash', [`-${flag}`, given], {}, read],
    [`is set by ${env}`, [], { [env]: given }, read],
    ['has the default of the original', [], {}, byDefault],
    ['has its default where the environment is empty', [], { [env]: '' }, byDefault],
    ['is the flag where both are given', [`--${flag}=${given}`], { [env]: key === 'syncInterval' ? '10s' : 'lost' }, read],
  ])('%s (C10)', (_row, argv, environment, value) => {
    expect(settingsOf(argv, environment)[key]).toBe(value)
  })
})

test.each([
  ['nor are key and certificate of the webhook', []],
  ['with the pair that others made', ['--key=/k', '--cert=/c']],
])('no flag of the original is required, %s (C10)', (_row, argv) => {
  expect(() => readSettings(program, { argv })).not.toThrow()
})

test('the key of the ConfigMap is init-config, and every field of the original is read from it (C10)', async () => {
  const text = await readFile(new URL('testing/original-init-config.yaml', import.meta.url), 'utf8')
  const { name, annotationTrigger, removeImages, init, refresh, volume } = parseTemplates(`${text}removeImages: [local/mock-sia]\n`)
  expect({ name, annotationTrigger, removeImages }).toEqual({
    name: 'athenz.initializer.kubernetes.io',
    annotationTrigger: 'initializer.kubernetes.io/athenz',
    removeImages: ['local/mock-sia'],
  })
  expect([init.name, refresh.name, volume.name]).toEqual(['sia-init', 'sia-refresh', 'sia-identity'])
  // Deviation: the driver takes read-only volumes alone, so it is one, as if the template said so.
  expect(volume).toEqual({ name: 'sia-identity', flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver', readOnly: true } })
})

test.each([
  ['name', { name: undefined }, /^name is missing/],
  ['initTemplate', { initTemplate: undefined }, /^initTemplate is missing/],
  ['refreshTemplate', { refreshTemplate: undefined }, /^refreshTemplate is missing/],
  ['volumeTemplate', { volumeTemplate: undefined }, /^volumeTemplate is missing/],
])('%s is required, as in the original (C10)', (_field, changes, problem) => {
  expect(() => parseTemplates(initConfig(changes))).toThrow(expect.objectContaining({ problems: [expect.stringMatching(problem)] }))
})

test.each([
  ['annotationTrigger', { annotationTrigger: undefined }, { annotationTrigger: '' }],
  ['removeImages', { removeImages: undefined }, { removeImages: [] }],
])('%s may be left out, as in the original (C10)', (_field, changes, read) => {
  expect(parseTemplates(initConfig(changes))).toMatchObject(read)
})

test.each([
  ['a field that nobody knows', { removeImage: ['x'] }, /^removeImage is not a field/],
  ['a container that does not mount the volume', { initTemplate: { name: 'a', image: 'i' } }, /does not mount volume/],
])('deviation: %s is refused at the start; the original took it (C10)', (_what, changes, problem) => {
  expect(() => parseTemplates(initConfig(changes))).toThrow(expect.objectContaining({ problems: [expect.stringMatching(problem)] }))
})
