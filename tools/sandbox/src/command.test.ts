import { expect, test } from 'vitest'
import { HELP, parseCommand } from './command.ts'

const up = { kind: 'up', once: false, out: undefined }
const pod = { kind: 'pod', name: 'mine', namespace: 'shop', serviceAccount: 'web', command: [] }

test.each([
  ['', up],
  ['--once', { ...up, once: true }],
  ['--once --out /tmp/x', { ...up, once: true, out: '/tmp/x' }],
  ['--out=/tmp/x', { ...up, out: '/tmp/x' }],
  ['pod mine', pod],
  ['pod mine --namespace media-on--air --service-account player', { ...pod, namespace: 'media-on--air', serviceAccount: 'player' }],
  ['pod mine -- sh -c true --once', { ...pod, command: ['sh', '-c', 'true', '--once'] }],
  ['--help', { kind: 'help' }],
  ['pod mine -h', { kind: 'help' }],
])('%j is understood', (line, command) => {
  expect(parseCommand(line.split(' ').filter((word) => word !== ''))).toEqual(command)
})

test.each([
  ['--twice', /Unknown option '--twice'/],
  ['--out', /'--out <value>' argument missing/],
  ['--once=yes', /does not take an argument/],
  ['pod', /`pod` needs a NAME/],
  ['pod one two', /not understood: pod one two/],
  ['launch mine', /not understood: launch mine/],
  ['--namespace shop', /belongs to `pod`/],
  ['-- sh', /belongs to `pod`/],
  ['pod mine --once', /does not go with `pod`/],
])('%j is refused with what is wrong', (line, problem) => {
  expect(parseCommand(line.split(' '))).toMatchObject({ kind: 'wrong', problem: expect.stringMatching(problem) as string })
})

test('the help names every option and the services that Athenz knows', () => {
  for (const word of ['--once', '--out', '--namespace', '--service-account', 'shop.web']) expect(HELP).toContain(word)
})
