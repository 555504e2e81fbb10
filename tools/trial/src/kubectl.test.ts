import { expect, test } from 'vitest'
import { createKubectl, failureOf } from './kubectl.ts'

const failed = (rest: object = {}) => Object.assign(new Error('Command failed'), rest)

test.each([
  ['there is no program', failed({ code: 'ENOENT' }), '', 'TRIAL_KUBECTL_MISSING'],
  ['it took too long', failed({ killed: true }), '', 'TRIAL_CLUSTER_UNREACHABLE'],
  ['nobody listens', failed({ code: 1 }), 'The connection to the server localhost:8080 was refused', 'TRIAL_CLUSTER_UNREACHABLE'],
  ['another cluster answers', failed({ code: 1 }), 'Unable to connect to the server: x509: certificate signed by unknown authority', 'TRIAL_CLUSTER_UNREACHABLE'],
  ['the user may not', failed({ code: 1 }), 'Error from server (Forbidden): namespaces is forbidden: User "eve"', 'TRIAL_NOT_ALLOWED'],
  ['anything else', failed({ code: 1 }), 'error: strict decoding error: unknown field "spec.replica"', 'TRIAL_APPLY_FAILED'],
])('%s', (_what, error, stderr, code) => {
  expect(failureOf(error, stderr, ['apply', '-f', '-'])).toMatchObject({ code, cause: error })
})

test('it runs the program with the kubeconfig, feeds it, and gives what it printed', async () => {
  const kubectl = createKubectl({ program: 'sh', kubeconfig: undefined, signal: new AbortController().signal })
  expect(await kubectl(['-c', 'cat; echo "$0"', 'more'], { input: 'fed ' })).toBe('fed more\n')
})

test('what it learns of an API is kept where that is said', async () => {
  const kubectl = createKubectl({ program: 'sh', kubeconfig: undefined, cacheDirectory: '/some/where', signal: new AbortController().signal })
  expect(await kubectl(['-c', 'echo "$KUBECACHEDIR"'])).toBe('/some/where\n')
})

test('a program that does not end is ended', async () => {
  const kubectl = createKubectl({ program: 'sh', kubeconfig: undefined, signal: new AbortController().signal })
  await expect(kubectl(['-c', 'exec sleep 60'], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TRIAL_CLUSTER_UNREACHABLE' })
})

test('who is asked to stop stops', async () => {
  const stop = new AbortController()
  const kubectl = createKubectl({ program: 'sh', kubeconfig: undefined, signal: stop.signal })
  const running = kubectl(['-c', 'exec sleep 60'])
  stop.abort(new DOMException('asked to stop', 'AbortError'))
  await expect(running).rejects.toThrow('asked to stop')
})
