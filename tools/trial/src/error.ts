export type TrialErrorCode =
  | 'TRIAL_USAGE'
  | 'TRIAL_KUBECTL_MISSING'
  | 'TRIAL_CLUSTER_UNREACHABLE'
  | 'TRIAL_CLUSTER_TOO_OLD'
  | 'TRIAL_NOT_ALLOWED'
  | 'TRIAL_OCCUPIED'
  | 'TRIAL_APPLY_FAILED'
  | 'TRIAL_IMAGE_MISSING'
  | 'TRIAL_NOT_READY'
  | 'TRIAL_NOT_INJECTED'
  | 'TRIAL_DRIVER_MISSING'
  | 'TRIAL_NO_IDENTITY'
  | 'TRIAL_NOT_VERIFIED'
  | 'TRIAL_VOLUMES_LEFT'
  | 'TRIAL_NOT_DELETED'

/** The trial did not get to its end. The message says what is wrong and what to do, in words for whoever typed the command. */
export class TrialError extends Error {
  override readonly name = 'TrialError'
  readonly code: TrialErrorCode

  constructor(code: TrialErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
