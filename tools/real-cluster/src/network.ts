/** One bridge carries the node's address, which is the pods' gateway, and the API server's: there is no kube-proxy to move it. */
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
  if (BRIDGE in networkInterfaces()) await run(['ip', 'link', 'del', BRIDGE])
}

/** An interface of the machine that has an address of ours. */
export function interfaceInOurWay(interfaces = networkInterfaces()): string | undefined {
  return Object.entries(interfaces).find(([name, addresses = []]) => name === BRIDGE || addresses.some((it) => taken(it.address)))?.[0]
}

const taken = (address: string): boolean => address.startsWith('10.77.0.') || address.startsWith('10.96.0.')
