import { HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { expect, test } from 'vitest'
import { createLog, type LogLevel } from './log.ts'

function logAt(level: LogLevel) {
  const lines: string[] = []
  const clock = { now: () => Date.parse('2030-01-01T00:00:00Z') }
  const log = createLog('athenz-sia', level, clock, { out: (text) => void lines.push(text) })
  return { log, lines }
}

test('a line is one json object with a level, an iso time, the program, the facts and a message', () => {
  const { log, lines } = logAt('info')
  log.info({ serial: 'A1', notAfter: 0 }, 'credentials published')
  expect(lines).toEqual([expect.stringMatching(/^\{.*\}\n$/)])
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: '2030-01-01T00:00:00.000Z',
    program: 'athenz-sia',
    serial: 'A1',
    notAfter: '1970-01-01T00:00:00.000Z',
    msg: 'credentials published',
  })
})

test.each([
  ['error', 1],
  ['warn', 2],
  ['info', 3],
  ['debug', 4],
  ['silent', 0],
] as const)('at %s %d of four lines are written', (level, count) => {
  const { log, lines } = logAt(level)
  for (const each of ['error', 'warn', 'info', 'debug'] as const) log[each]({}, each)
  expect(lines).toHaveLength(count)
})

const brokenPipe = () => {
  throw new Error('EPIPE')
}

test('a log that nobody reads any more stops nothing', () => {
  const log = createLog('athenz-sia', 'info', { now: () => 0 }, { out: brokenPipe })
  expect(() => log.info({}, 'stopped')).not.toThrow()
})

test('an error is told with its code and what caused it, without stacks', () => {
  const { log, lines } = logAt('warn')
  const cause = new HostError('HOST_UNREACHABLE', 'nobody answers', { peer: '/a.sock' })
  log.warn({ err: new IdentityError('AGENT_UNAVAILABLE', 'the agent does not answer', {}, { cause }) }, 'failed')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    reason: 'AGENT_UNAVAILABLE',
    err: {
      type: 'IdentityError',
      code: 'AGENT_UNAVAILABLE',
      message: 'the agent does not answer',
      cause: { code: 'HOST_UNREACHABLE', fields: { peer: '/a.sock' } },
    },
  })
  expect(lines[0]).not.toContain('.ts:')
})
