import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goArguments, MODULES_DIRECTORY, versionIn } from './go-build.ts'
import { CONTAINERD, KUBERNETES, PROGRAMS, type ProgramSource } from './programs.ts'

const goModOf = ({ module }: ProgramSource): string => readFileSync(join(MODULES_DIRECTORY, module, 'go.mod'), 'utf8')
const argumentsOf = (name: string): string => {
  const program = PROGRAMS.find((it) => it.name === name) as ProgramSource
  return goArguments(program, goModOf(program), '/out').join(' ')
}

test.each([
  ['a line of a block', 'require (\n\tk8s.io/kubernetes v1.37.1 // indirect\n)\n', 'v1.37.1'],
  ['a line of its own', 'require k8s.io/kubernetes v1.37.1\n', 'v1.37.1'],
])('the version of a module is found in %s', (_name, goMod, version) => {
  expect(versionIn(goMod, KUBERNETES)).toBe(version)
})

test('a module whose name only begins alike is another one', () => {
  expect(() => versionIn('require (\n\tk8s.io/kubernetes-csi v1.0.0\n)\n', KUBERNETES)).toThrow(expect.objectContaining({ code: 'CLUSTER_BUILD_FAILED' }))
})

test('the programs of Kubernetes know their version, as the pins say it', () => {
  const version = versionIn(goModOf(PROGRAMS.find((it) => it.name === 'kubelet') as ProgramSource), KUBERNETES)
  for (const name of ['kube-apiserver', 'kubelet', 'kubectl']) {
    expect(argumentsOf(name)).toContain(`-X k8s.io/component-base/version.gitVersion=${version}`)
    expect(argumentsOf(name)).toContain(`version.gitMinor=${version.split('.')[1]} `)
  }
  expect(argumentsOf('containerd')).toContain(`${CONTAINERD}/version.Version=v`)
})

test('nothing is built that go.sum does not vouch for, and only runc links C code', () => {
  for (const { name } of PROGRAMS) {
    expect(argumentsOf(name)).toContain('-trimpath -buildvcs=false -mod=readonly')
    expect(argumentsOf(name).includes('-extldflags -static')).toBe(name === 'runc')
  }
})
