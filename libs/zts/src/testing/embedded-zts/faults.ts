/** What can go wrong with a ZTS, at will. Each holds until `reset`. */
export interface ZtsFaults {
  /** Every call is answered with this status, as by an overload guard in front; `retryAfter` is sent as it is. */
  busy(status: 429 | 503 | 504, retryAfter?: string): void
  /** Connections are closed as soon as they are made, open ones at their next request. */
  away(): void
  /** Every call waits so long before anything is looked at. */
  slow(ms: number): void
  /** Every call is answered 200 with a page, as by a captive portal. */
  html(): void
  /** Certificates are issued with this defect. */
  wrongCertificate(defect: CertificateDefect): void
  /** Identities are issued and written down, then the connection is reset instead of an answer. */
  resetAfterIssue(): void
  reset(): void
}

export type CertificateDefect = 'names' | 'key' | 'expired' | 'chain'

export interface FaultState {
  busy?: { readonly status: number; readonly retryAfter: string | undefined }
  away?: true
  slowMs?: number
  html?: true
  defect?: CertificateDefect
  resetAfterIssue?: true
}

/** The control, and the state that the server reads. */
export function createFaults(): { readonly control: ZtsFaults; readonly current: () => Readonly<FaultState> } {
  let state: FaultState = {}
  return {
    current: () => state,
    control: {
      busy: (status, retryAfter) => void (state.busy = { status, retryAfter }),
      away: () => void (state.away = true),
      slow: (ms) => void (state.slowMs = ms),
      html: () => void (state.html = true),
      wrongCertificate: (defect) => void (state.defect = defect),
      resetAfterIssue: () => void (state.resetAfterIssue = true),
      reset: () => void (state = {}),
    },
  }
}
