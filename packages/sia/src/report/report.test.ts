import { ConfigError } from '@pallas/config'
import { expect, test } from 'vitest'
import type { Change, CompanionDeps, CompanionHome, Failure } from '../companions.ts'
import { askZts, openPod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES } from '../testing/test-agent.ts'

const HOUR = 3_600_000
const READER = 'media.on-air:role.reader'
const WRITER = 'media.on-air:role.writer'
const ROLES = [...askZts, `--target-domain-roles=${READER},${WRITER}`, '--rolecert-dir=/roles', '--token-dir=/out']
const HOOK = '--hook-command=/bin/true'

function openHome(unfit: readonly string[] = []) {
  const [changes, failures, deps, ended]: [Change[], Failure[], CompanionDeps[], string[]] = [[], [], [], []]
  const home: CompanionHome = {
    unfit: () => unfit,
    start: async (_settings, given) => {
      deps.push(given)
      return {
        published: (change) => void changes.push(change),
        failed: (failure) => void failures.push(failure),
        [Symbol.asyncDispose]: async () => void ended.push('ended'),
      }
    },
  }
  const members = () => Object.fromEntries((deps[0]?.members() ?? []).map(({ name, kind, ...rest }) => [`${kind} ${name}`, rest]))
  return { home, changes, failures, deps, ended, members }
}

test('what is put in place is told, what fails is told too, and what is wanted shows how it stands', async () => {
  const pod = await openPod()
  pod.zts.roles.set(READER, [NAMES.commonName])
  const it = openHome()
  const { stopped } = runSiaOn(pod, ['--mode=refresh', HOOK, ...ROLES], it.home)
  for (let n = 0; n < 10; n++) await pod.host.clock.advance(0)
  const [first, token] = it.changes.toSorted((a, b) => b.members.length - a.members.length)
  expect(first?.members.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    `service-certificate ${NAMES.commonName}`,
    `role-certificate ${READER}`,
  ])
  expect(first?.paths).toContain('/tls/service.key')
  expect(first?.paths).toContain(`/roles/${READER}.cert.pem`)
  expect(first?.paths).not.toContain(`/roles/${WRITER}.cert.pem`)
  expect(token).toMatchObject({ paths: [`/out/${READER}.accesstoken`] })
  expect(it.failures.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([`access-token ${WRITER}`, `role-certificate ${WRITER}`])
  const now = pod.host.clock.now()
  expect(it.members()).toEqual({
    [`service-certificate ${NAMES.commonName}`]: {
      life: { notBefore: now, notAfter: now + 24 * HOUR },
      problem: undefined,
      paths: ['/tls/service.key', '/tls/cacert.pem', '/tls/service.cert', '/tokens/ntoken'],
    },
    [`role-certificate ${READER}`]: expect.objectContaining({ problem: undefined, life: expect.anything() }),
    [`role-certificate ${WRITER}`]: { life: undefined, problem: 'ISSUER_DENIED', paths: [`/roles/${WRITER}.cert.pem`] },
    [`access-token ${READER}`]: { life: expect.anything(), problem: undefined, paths: [`/out/${READER}.accesstoken`] },
    [`access-token ${WRITER}`]: { life: undefined, problem: 'ISSUER_DENIED', paths: [`/out/${WRITER}.accesstoken`] },
  })
  await stopped()
  expect(it.ended).toEqual(['ended'])
})

test('a renewal that fails keeps the life of what is there and says why', async () => {
  const pod = await openPod()
  const it = openHome()
  const { stopped } = runSiaOn(pod, ['--mode=refresh', HOOK], it.home)
  await pod.host.clock.advance(0)
  pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 9_999 })
  await pod.host.clock.advance(20 * HOUR)
  expect(Object.values(it.members())[0]).toMatchObject({ problem: 'ISSUER_UNAVAILABLE', life: expect.anything() })
  expect(it.failures[0]).toMatchObject({ kind: 'service-certificate', name: NAMES.commonName, error: { code: 'ISSUER_UNAVAILABLE' } })
  expect(it.changes).toHaveLength(1)
  await stopped()
})

test('init, which may share its environment with a refresher, starts neither servers nor hooks and says so once', async () => {
  const pod = await openPod()
  const it = openHome()
  const env = { HEALTH_CHECK_ADDR: ':8080', METRICS_SERVER_ADDR: ':9999', TOKEN_SERVER_ADDR: ':8880', USE_TOKEN_SERVER: 'true' }
  await runSiaOn(pod, ['--mode=init', HOOK, ...askZts], it.home, env).done
  await runSiaOn(pod, ['--mode=init', HOOK, ...askZts], undefined, env).done
  expect(it.deps).toEqual([])
  expect(pod.said('servers and hooks are for a refresher: none is started')).toBe(2)
})

test('only files that were really written belong to a member: an authority, and a token where there was one', async () => {
  const pod = await openPod()
  pod.agent.ntoken = ''
  const it = openHome()
  const { stopped } = runSiaOn(pod, ['--mode=refresh', HOOK], it.home)
  const paths = () => Object.values(it.members())[0]?.paths
  await pod.host.clock.advance(0)
  expect(paths()).toEqual(['/tls/service.key', '/tls/cacert.pem', '/tls/service.cert'])
  await stopped()
})

test('what lies there at the beginning is no change, but is shown', async () => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  const it = openHome()
  const { stopped } = runSiaOn(pod, ['--mode=refresh', HOOK], it.home)
  await pod.host.clock.advance(0)
  expect(it.changes).toEqual([])
  expect(Object.values(it.members())[0]?.life).toBeDefined()
  await stopped()
})

test('where nothing asks for a companion none is started', async () => {
  const pod = await openPod()
  const it = openHome()
  await runSiaOn(pod, ['--mode=init'], it.home).done
  expect(it.deps).toEqual([])
})

test.each([
  ['a home without companions', undefined, ['this home has no servers and no hooks']],
  ['a home that cannot do it', openHome(['no such signal']).home, ['no such signal']],
])('%s refuses the settings before anything is asked', async (_name, home, problems) => {
  const pod = await openPod()
  const error = await runSiaOn(pod, ['--mode=refresh', HOOK], home).failed
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toMatchObject({ problems })
  expect(pod.agent.calls).toEqual([])
})
