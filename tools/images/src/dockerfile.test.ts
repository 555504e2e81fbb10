import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFlagsOf, REPOSITORY } from '@pallas/build'
import { expect, test } from 'vitest'
import { ENVIRONMENT, entrypointOf, IMAGES, labelsOf, userOf } from './catalogue.ts'
import { parseCommand } from './command.ts'
import { pairs, parseDockerfile, saying } from './testing/dockerfile.ts'

const stages = parseDockerfile(readFileSync(join(REPOSITORY, 'deploy/images/Dockerfile'), 'utf8'))
const stage = (name: string) => stages.find((it) => it.name === name)!
const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }

test('the Dockerfile makes the images that npm run images makes, and no other', () => {
  const builders = ['npm', 'build', 'node-base']
  expect(stages.map(({ name }) => name).filter((name) => !builders.includes(name))).toEqual(IMAGES.map(({ name }) => name))
})

test.each(IMAGES.map((image) => [image.name, image] as const))('%s runs the same from either: entry point, user, labels, environment, files', (name, image) => {
  const { base } = stage(name)
  const flags = image.kind === 'node' ? nodeFlagsOf(image.entry) : []
  expect(JSON.parse(saying(stage(name), 'ENTRYPOINT')!)).toEqual(entrypointOf(image, flags))
  expect(saying(stage(name), 'USER')).toBe(userOf(image))
  expect(pairs(saying(stage(name), 'LABEL')!)).toEqual(labelsOf(image, version))
  expect(base).toBe(image.kind === 'node' ? 'node-base' : 'scratch')
  const env = base === 'scratch' ? '' : saying(stage(base), 'ENV')!
  expect(pairs(env)).toEqual(ENVIRONMENT[image.kind])
  expect(stage(name).instructions.filter(([word]) => word === 'COPY')).toEqual([['COPY', `--from=build /files/${name}/ /`]])
})

test('Node and what it needs come from where npm run images puts them', () => {
  const copied = stage('node-base').instructions.filter(([word]) => word === 'COPY').map(([, rest]) => rest)
  expect(copied).toEqual(['--from=build /files/system/ /', '--from=build /files/node/ /'])
  const [, made] = stage('build').instructions.findLast(([word]) => word === 'RUN')!
  const [, argv] = /^npm run images -- (.*)$/.exec(made)!
  expect(parseCommand(argv!.split(' '))).toEqual({ kind: 'files', images: IMAGES, dir: '/files' })
})

test('the scripts that the Dockerfile runs are there', () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const run = stage('build').instructions.flatMap(([word, rest]) => (word === 'RUN' ? [...rest.matchAll(/npm run ([\w:]+)/g)] : []))
  expect(run.map(([, name]) => name)).toEqual(['build:static', 'images'])
  for (const [, name] of run) expect(scripts).toHaveProperty([name!])
})

test('what is not wanted in an image is not sent to who builds it', () => {
  const ignored = readFileSync(join(REPOSITORY, 'deploy/images/Dockerfile.dockerignore'), 'utf8').trim().split('\n')
  expect(ignored).toEqual(expect.arrayContaining(['.git', 'node_modules', '**/node_modules', 'build']))
})
