/** Beyond what holds everywhere: callers of which this sandbox's kernel, a directory of files, says what we want. */
import { logged, overSocket } from '@pallas/suite'
import { describeRefusals, type RefusalScene } from '@pallas/suite/contract'
import { expect, test } from 'vitest'
import { cgroupOf, placeHere, socketOf } from './callers.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

describeRefusals('the sandbox', openCluster, forgedCallers)

type Scene = RefusalScene<ClusterUnderTest>

function forgedCallers(scene: () => Scene): void {
  test.each([
    ['of another pod', ({ orders }: Scene) => cgroupOf(orders), 'HANDLE_PEER_MISMATCH'],
    ['of the host', () => '/system.slice/ssh.service', 'NOT_A_POD'],
    ['of a pod nested in another', ({ orders, web }: Scene) => `${cgroupOf(orders)}${cgroupOf(web)}`, 'NOT_A_POD'],
    ['of a cgroup that only looks like the pod', ({ web }: Scene) => `/user.slice/${cgroupOf(web)}`.replace('kubepods', 'pods'), 'NOT_A_POD'],
  ])('a process %s is refused, with the right handle', async (_who, cgroup, code) => {
    const { it, handle, traces } = scene()
    const socket = socketOf(it.cluster, handle)
    const before = await traces()
    using _here = placeHere(it.cluster, cgroup(scene()))
    expect(await overSocket(socket, 'POST', `/v1/init/${handle}`)).toMatchObject({ status: 403, body: { code } })
    expect(await overSocket(socket, 'GET', `/v1/names/${handle}`)).toMatchObject({ status: 403, body: { code } })
    await logged(it, 'identity-agent', code)
    expect(await traces()).toEqual(before)
  })

  test('a process that the kernel says nothing of is refused', async () => {
    const { it, handle, traces } = scene()
    const before = await traces()
    const answer = await overSocket(socketOf(it.cluster, handle), 'POST', `/v1/init/${handle}`)
    expect(answer).toMatchObject({ status: 403, body: { code: 'PEER_EXITED' } })
    expect(await traces()).toEqual(before)
  })
}
