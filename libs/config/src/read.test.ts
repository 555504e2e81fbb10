import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { address, ConfigError, describeProgram, duration, flag, list, oneOf, program, readProgram, type Schema, setting, text } from './index.ts'

const signer = program({
  name: 'athenz-signer',
  envPrefix: 'SIGNER',
  summary: 'Signs.',
  schema: {
    listen: setting(address, { default: ':4443', doc: 'Where to listen.' }),
    tokenTtl: setting(duration({ max: '15m' }), { default: '5m', doc: 'How long a token is valid.' }),
    mode: setting(oneOf('init', 'refresh'), { required: true, doc: 'What to do.' }),
    verbose: setting(flag, { default: 'false', doc: 'Whether to say more.' }),
    ztsName: setting(text, { env: 'ZTS', aliases: ['zts', 'ATHENZ_ZTS'], doc: 'Who may call.' }),
    names: setting(list(text), { default: '', doc: 'Names | more names.' }),
  },
  check: ({ tokenTtl, mode }) => (mode === 'init' && tokenTtl > 600_000 ? ['--token-ttl is too long for --mode init'] : []),
})

const read = (argv: readonly string[], env: Record<string, string> = {}, file: Record<string, unknown> = {}) => {
  const reading = readProgram(signer, { argv, env, file, version: '1.2.3' })
  if (reading.kind === 'print') throw new Error('printed')
  return reading.settings
}

function problemsOf(argv: readonly string[], env: Record<string, string> = {}, file: Record<string, unknown> = {}) {
  try {
    read(argv, env, file)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems
  }
  return []
}

test('a flag wins over the environment, which wins over the file, which wins over the default', () => {
  const file = { mode: 'refresh', tokenTtl: '3m', listen: '127.0.0.1:1', names: ['a', 'b'], verbose: true, ztsName: null }
  const settings = read(['--mode', 'init'], { SIGNER_MODE: 'refresh', SIGNER_TOKEN_TTL: '1m' }, file)
  expect(settings).toEqual({
    mode: 'init',
    tokenTtl: 60_000,
    listen: { host: '127.0.0.1', port: 1 },
    verbose: true,
    ztsName: undefined,
    names: ['a', 'b'],
  })
})

test.each([
  ['-mode init', ['-mode', 'init']],
  ['-mode=init', ['-mode=init']],
  ['--mode init', ['--mode', 'init']],
  ['--mode=init', ['--mode=init']],
])('%s means the same, as in go', (_written, argv) => {
  expect(read(argv).mode).toBe('init')
})

test('a switch alone is true and never takes the next word', () => {
  expect(read(['--verbose', '--mode', 'init']).verbose).toBe(true)
  expect(read(['--verbose=false', '--mode', 'init'], { SIGNER_VERBOSE: 'true' }).verbose).toBe(false)
  expect(problemsOf(['--verbose', 'false', '--mode', 'init'])).toEqual(['"false" is not a flag'])
})

test('an empty variable counts as unset, an empty flag does not', () => {
  expect(read(['--mode=init'], { SIGNER_TOKEN_TTL: '', ZTS: '' })).toMatchObject({ tokenTtl: 300_000, ztsName: undefined })
  expect(read(['--mode=init', '--zts-name='], { ZTS: 'a' }).ztsName).toBe('')
})

test('a setting answers to its aliases', () => {
  expect(read(['--mode=init', '--zts=a']).ztsName).toBe('a')
  expect(read(['--mode=init'], { ATHENZ_ZTS: 'b' }).ztsName).toBe('b')
  expect(problemsOf(['--mode=init', '--zts=a', '--zts-name=b'])).toEqual(['--zts-name is given twice'])
})

test('all problems are told at once', () => {
  const argv = ['extra', '--nope', '--', '--verbose', '--verbose', '--token-ttl=1h']
  expect(problemsOf(argv, { SIGNER_LISTEN: 'here' }, { tokenTTL: 1, names: { a: 1 } })).toEqual([
    '"extra" is not a flag',
    '--nope is not a setting',
    '"--" is not a flag',
    '--verbose is given twice',
    '"tokenTTL" in the settings file is not a setting',
    '--listen (SIGNER_LISTEN) must look like 127.0.0.1:4443 or :4443, not "here"',
    '--token-ttl (SIGNER_TOKEN_TTL) must be at most 15m, not "1h"',
    '--mode (SIGNER_MODE) is required',
    '--names (SIGNER_NAMES) must be text, a number, true, false or a list of them in the settings file',
  ])
})

test('a flag without its value is told', () => {
  expect(problemsOf(['--mode=init', '--token-ttl'])).toEqual(['--token-ttl needs a value'])
})

test('rules between settings are checked when each is good by itself', () => {
  expect(problemsOf(['--mode=init', '--token-ttl=11m'])).toEqual(['--token-ttl is too long for --mode init'])
  expect(problemsOf(['--mode=other', '--token-ttl=11m'])).toHaveLength(1)
})

test.each([['--help'], ['-h'], ['-help']])('%s prints every setting, whatever else is wrong', (asked) => {
  const reading = readProgram(signer, { argv: ['--nope', asked], env: {}, version: '1' })
  const printed = reading.kind === 'print' ? reading.text : ''
  expect(printed).toMatch(/^athenz-signer: Signs\.\n/)
  for (const name of ['--listen, SIGNER_LISTEN', '--zts-name, --zts, ZTS, ATHENZ_ZTS', 'duration, at most 15m; default 5m', 'required']) {
    expect(printed).toContain(name)
  }
})

test('--version prints name and version', () => {
  expect(readProgram(signer, { argv: ['--version'], env: {}, version: '1.2.3' })).toEqual({ kind: 'print', text: 'athenz-signer 1.2.3\n' })
})

test('the documentation has one row a setting, and its cells cannot break the table', () => {
  const lines = describeProgram(signer).split('\n')
  expect(lines[0]).toBe('## athenz-signer')
  const rows = lines.filter((line) => line.startsWith('| `--'))
  expect(rows).toHaveLength(Object.keys(signer.schema).length)
  for (const row of rows) expect(row.replaceAll(String.raw`\|`, '').split('|')).toHaveLength(7)
})

const make = (schema: Schema) => () => program({ ...signer, schema, check: () => [] })

test('a program that could never be used is refused when it is made', () => {
  expect(make({ a: setting(duration(), { default: 'soon', doc: '' }) })).toThrow(TypeError)
  expect(make({ help: setting(text, { doc: '' }) })).toThrow('--help is taken twice')
  expect(make({ a: setting(text, { doc: '' }), b: setting(text, { doc: '', env: 'SIGNER_A' }) })).toThrow('SIGNER_A is taken twice')
})

test('any command line either reads or tells problems, never more than one line each', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('--mode', '--mode=init', '-verbose', '--listen=:1'))), (argv) => {
      for (const problem of argv.some((it) => /^--?(h|help|version)(=|$)/.test(it)) ? [] : problemsOf(argv)) {
        expect(problem.split('\n')).toHaveLength(1)
      }
    }),
  )
})
