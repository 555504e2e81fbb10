/** What every API server and every kubelet keeps to our clients: run against the embedded ones and real ones alike. */
import { describe, expect, test } from 'vitest'
import type { Kubelet } from '../kubelet.ts'
import { admissionPromises } from './contract-admission.ts'
import { objectPromises } from './contract-objects.ts'
import { watchPromises } from './contract-watch.ts'
import type { OpenKubeApi } from './under-test.ts'

export type { KubeApiUnderTest, OpenKubeApi } from './under-test.ts'

/** The promises every API server keeps to a `KubeApi`. */
export function describeKubeApi(name: string, open: OpenKubeApi): void {
  describe(`${name} keeps the contract of api servers`, () => {
    describe('objects', () => objectPromises(open))
    describe('watches', () => watchPromises(open))
    describe('admission and tokens', () => admissionPromises(open))
  })
}

/** What a test run needs from any kubelet; it shows at least one pod. */
export interface KubeletUnderTest extends AsyncDisposable {
  /** A client whose token may read pods, is known without rights, or is nobody's; with a deadline for the call. */
  kubelet(as: 'reader' | 'other' | 'stranger', timeoutMs?: number): Kubelet
  /** UIDs of the pods it shows. */
  readonly uids: readonly string[]
  /** Makes it answer no more; absent when that cannot be forced. */
  readonly hang?: () => void | Promise<void>
}

/** The promises every kubelet keeps to a `Kubelet` client. */
export function describeKubelet(name: string, open: () => Promise<KubeletUnderTest>): void {
  describe(`${name} keeps the contract of kubelets`, () => {
    test('a caller with the right sees every pod of the node', async () => {
      await using it = await open()
      const pods = await it.kubelet('reader').pods()
      expect(pods.map(({ uid }) => uid).sort()).toEqual([...it.uids].sort())
      expect(pods.every(({ namespace, name, serviceAccount }) => ![namespace, name, serviceAccount].includes(''))).toBe(
        true,
      )
    })

    test.each([
      ['a token of nobody is unauthorized', 'stranger', { code: 'KUBE_UNAUTHORIZED', status: 401, retryable: false }],
      ['a token without nodes/pods is forbidden', 'other', { code: 'KUBE_FORBIDDEN', status: 403, retryable: false }],
    ] as const)('%s', async (_name, as, error) => {
      await using it = await open()
      await expect(it.kubelet(as).pods()).rejects.toMatchObject(error)
    })

    test('a kubelet that does not answer is a timeout, worth a retry', async ({ skip }) => {
      await using it = await open()
      if (it.hang === undefined) return skip('this kubelet cannot be made to hang')
      await it.hang()
      await expect(it.kubelet('reader', 200).pods()).rejects.toMatchObject({ code: 'KUBE_TIMEOUT', retryable: true })
    })
  })
}
