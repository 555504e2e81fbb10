/** The ways in which the agent can be weaker than it could be; each is announced at start and in a metric. */
export type Weakening =
  /** By settings. */
  | 'handle-only'
  | 'proc-root-not-procfs'
  | 'shared-socket'
  | 'unkeyed-handles'
  | 'kubelet-read-only-port'
  /** By the driver's: volumes that root in their pods may write to. */
  | 'writable-volumes'
  /** By the kernel (before 6.5), or by a kubelet that nothing is known of. */
  | 'no-pidfd'
  | 'kubelet-unverified'
