import { expect, test } from 'vitest'
import { clusterAtHand } from './cluster-at-hand.ts'
import type { KubectlOptions } from './kubectl.ts'
import { fakeKubectl } from './testing/fake-kubectl.ts'

const NOTHING_SAID = { kubeconfig: undefined, kubectl: undefined, pluginDir: undefined, timeoutMs: 1 }
const OWN = { kubeconfig: '/s/admin.kubeconfig', kubectl: '/c/kubectl', kubectlCache: '/s/cache', pluginDir: '/plugins' }

const version = (minor: string) => JSON.stringify({ serverVersion: { gitVersion: `v1.${minor}.1`, major: '1', minor } })

function atHand(said: object, { env = {}, minor = '37', hasOwn = true } = {}) {
  const opened: Pick<KubectlOptions, 'program' | 'kubeconfig' | 'cacheDirectory'>[] = []
  const deps = {
    env,
    findOwn: async () => (hasOwn ? OWN : undefined),
    signal: new AbortController().signal,
    open: ({ program, kubeconfig, cacheDirectory }: KubectlOptions) => {
      opened.push({ program, kubeconfig, cacheDirectory })
      return fakeKubectl([
        ['version', version(minor)],
        ['config view', 'https://there:6443\n'],
      ])
    },
  }
  return { opened, found: clusterAtHand({ ...NOTHING_SAID, ...said }, deps) }
}

test("the project's own cluster is taken when nobody names another", async () => {
  const { opened, found } = atHand({})
  expect(await found).toMatchObject({ pluginDir: '/plugins', version: 'v1.37.1', server: 'https://there:6443', typed: 'npm run --silent cluster -- kubectl' })
  expect(opened).toEqual([{ program: '/c/kubectl', kubeconfig: '/s/admin.kubeconfig', cacheDirectory: '/s/cache' }])
})

test('what is named goes before it, and its plugin directory is not that of the other', async () => {
  const { opened, found } = atHand({ kubeconfig: '/mine', kubectl: 'k' })
  expect(await found).toMatchObject({ pluginDir: undefined, typed: 'k --kubeconfig=/mine' })
  expect(opened).toEqual([{ program: 'k', kubeconfig: '/mine' }])
})

test('a KUBECONFIG in the environment is a cluster that somebody named', async () => {
  const { opened, found } = atHand({}, { env: { KUBECONFIG: '/theirs' } })
  expect(await found).toMatchObject({ pluginDir: undefined, typed: 'kubectl' })
  expect(opened).toEqual([{ program: 'kubectl', kubeconfig: undefined }])
})

test('with no cluster of its own it is whatever kubectl takes', async () => {
  const { opened, found } = atHand({ pluginDir: '/else' }, { hasOwn: false })
  expect(await found).toMatchObject({ pluginDir: '/else', typed: 'kubectl' })
  expect(opened).toEqual([{ program: 'kubectl', kubeconfig: undefined }])
})

test.each(['32', '30+'])('Kubernetes 1.%s is too old', async (minor) => {
  await expect(atHand({}, { minor }).found).rejects.toMatchObject({ code: 'TRIAL_CLUSTER_TOO_OLD' })
})

test.each(['33', '34+'])('Kubernetes 1.%s will do', async (minor) => {
  expect(await atHand({}, { minor }).found).toBeDefined()
})
