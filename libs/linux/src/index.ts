export { nodeInvocation } from './invocation.ts'
export { endProcess, selfTestSystemCalls } from './libc.ts'
export { nodeHost } from './node-host.ts'
export { descriptorOf, type PeerCredentials, peerOf, type PinnedPeer, pinPeer } from './peer.ts'
