import { certificateOf, createPodOf, isRunning, waitForPod } from '@pallas/suite'
import { describeLaunch } from '@pallas/suite/contract'
import { expect, test } from 'vitest'
import { examplePod } from '../manifests.ts'
import { openCluster } from './open-cluster.ts'

describeLaunch('the sandbox', openCluster)

test('the example of deploy/ gets an identity as it stands', async () => {
  await using it = await openCluster()
  await createPodOf(it, 'shop', examplePod())
  const pod = await waitForPod(it, { namespace: 'shop', name: 'example' }, isRunning)
  expect(certificateOf(it, pod).commonName).toBe('shop.web')
})
