/** What stands in the way of a cluster. Each has its paragraph in the README. */
export type ClusterErrorCode =
  | 'CLUSTER_NO_ROOT'
  | 'CLUSTER_NO_GO'
  | 'CLUSTER_NO_COMPILER'
  | 'CLUSTER_NO_TOOL'
  | 'CLUSTER_NO_CGROUPS'
  | 'CLUSTER_NO_OVERLAY'
  | 'CLUSTER_RIVAL'
  | 'CLUSTER_NETWORK'
  | 'CLUSTER_STATE'
  | 'CLUSTER_BUILD_FAILED'
  | 'CLUSTER_COMMAND_FAILED'
  | 'CLUSTER_BUSY'
  | 'CLUSTER_NOT_UP'
  | 'CLUSTER_NOT_READY'
  | 'CLUSTER_NOT_CLEAN'
  | 'CLUSTER_NO_IMAGE'
  | 'CLUSTER_NO_PROCESS'

/** There is no cluster as it was asked for. `detail` is for a person's eyes: a path, a program's last words. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode
  readonly detail: string | undefined

  constructor(code: ClusterErrorCode, message: string, rest: { detail?: string | undefined; cause?: unknown } = {}) {
    super(message, rest.cause === undefined ? undefined : { cause: rest.cause })
    this.code = code
    this.detail = rest.detail
  }
}

/** One line for the terminal. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  const detail = error instanceof ClusterError && error.detail !== undefined ? ` (${error.detail})` : ''
  return `${code}${error.message}${detail}`
}
