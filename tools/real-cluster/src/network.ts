/** One bridge carries the node's address, which is the pods' gateway, and the API server's: there is no kube-proxy to move it. */
import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { ClusterError } from './error.ts'
import { API_ADDRESS, BRIDGE, NODE_ADDRESS } from './layout.ts'
import { run } from './run.ts'

/** Throws `CLUSTER_NETWORK` where the machine has no bridges, or our addresses already. */
export async function makeBridge(): Promise<void> {
  try {
    await run(['ip', 'link', 'add', BRIDGE, 'type', 'bridge'])
    await run(['ip', 'addr', 'add', `${NODE_ADDRESS}/24`, 'dev', BRIDGE])
    await run(['ip', 'addr', 'add', `${API_ADDRESS}/32`, 'dev', BRIDGE])
    await run(['ip', 'link', 'set', BRIDGE, 'up'])
  } catch (cause) {
    throw new ClusterError('CLUSTER_NETWORK', 'the bridge cannot be made', { detail: cause instanceof ClusterError ? cause.detail : undefined, cause })
  }
}

/** With it go its addresses and routes; pods' devices end with their namespaces. */
export async function removeBridge(): Promise<void> {
  if (isThere(BRIDGE)) await run(['ip', 'link', 'del', BRIDGE])
}

/** Node lists no device that nobody is plugged into, as a bridge without pods. */
export const isThere = (device: string): boolean => existsSync(`/sys/class/net/${device}`)

/** An interface of the machine that has an address of ours. */
export function interfaceInOurWay(interfaces = networkInterfaces(), isBridgeThere = isThere(BRIDGE)): string | undefined {
  if (isBridgeThere) return BRIDGE
  return Object.entries(interfaces).find(([, addresses = []]) => addresses.some((it) => taken(it.address)))?.[0]
}

const taken = (address: string): boolean => address.startsWith('10.77.0.') || address.startsWith('10.96.0.')
