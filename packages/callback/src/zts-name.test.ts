import { readCertificate } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { newAuthorities, openWorld } from './testing/world.ts'
import { checkZtsName } from './zts-name.ts'

const names = { adminDomain: 'k8s.admin', systemNamespaces: ['istio-system'] }

let athenz: TestCa
let services: TestCa
beforeAll(async () => {
  athenz = await TestCa.create({ name: 'athenz' })
  services = await TestCa.create({ name: 'services' })
})

const problemOf = (ztsName: string, roots: { readonly athenz: string; readonly athenzService: string }) => {
  try {
    checkZtsName(ztsName, { ...names, trustRoots: roots })
    return undefined
  } catch (error) {
    return error
  }
}

const shared = () => ({ athenz: athenz.certPem, athenzService: services.certPem + athenz.certPem })

describe('where ZTS and services are vouched for by one root', () => {
  test.each([
    ['zts.athenz.io', 'zts-athenz'],
    ['sys.auth.zts', 'sys-auth'],
    ['media.on-air.web', 'media-on--air'],
    ['zts.sandbox', 'zts'],
    ['k8s.admin.kube-system.default', 'kube-system'],
    ['k8s.admin.istio-system.pilot', 'istio-system'],
  ])('%s is refused: a pod of %s can have a certificate of that name', (ztsName, namespace) => {
    expect(problemOf(ztsName, shared())).toMatchObject({
      code: 'CONFIG_INVALID',
      problems: [expect.stringContaining(`a service of the namespace ${namespace}`)],
    })
  })

  test.each([
    ['has one part', 'zts'],
    ['has a service that is no service account', 'sys.auth.ZTS'],
    ['has a domain that no namespace is long enough for', `${'a'.repeat(64)}.zts`],
    ['is of a domain of the administrators alone', 'k8s.admin.zone.zts'],
    ['has an empty part', 'sys..zts'],
  ])('a name that %s is taken', (_name, ztsName) => {
    expect(problemOf(ztsName, shared())).toBeUndefined()
  })
})

const refused = (roots: { readonly athenz: string; readonly athenzService: string }) =>
  expect(problemOf('sys.auth.zts', roots)).toMatchObject({ code: 'CONFIG_INVALID' })

describe('a name that pods can have is refused', () => {
  test('where the authority of services is below the root of ZTS, or the other way round', async () => {
    const below = await TestCa.create({ name: 'below', issuer: athenz })
    refused({ athenz: athenz.certPem, athenzService: below.certPem })
    refused({ athenz: below.certPem, athenzService: services.certPem + athenz.certPem })
  })

  test('where the root of both was certified anew', async () => {
    const { spki, subject, names: none } = readCertificate(athenz.certPem)
    const { certPem: again } = await services.sign({ spki, subject, names: none }, { lifeMs: 3_600_000 })
    refused({ athenz: athenz.certPem, athenzService: again })
  })

  test('but not where another authority has the same name as the root of ZTS', async () => {
    const namesake = await TestCa.create({ name: 'athenz' })
    expect(problemOf('sys.auth.zts', { athenz: athenz.certPem, athenzService: namesake.certPem })).toBeUndefined()
  })
})

test('with roots of their own any name is taken', () => {
  expect(problemOf('zts.athenz.io', { athenz: athenz.certPem, athenzService: services.certPem })).toBeUndefined()
})

test('the callback does not start with it', async () => {
  const { athenz: one } = await newAuthorities()
  await using world = await openWorld({ authorities: { athenz: one, services: one } })
  await expect(world.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
