/** What can go wrong with a ZTS, at will. Each holds until `reset`. */
export interface ZtsFaults {
  /** Every call is answered with this status, as by an overload guard in front. */
  busy(status: 429 | 503 | 504, retryAfter?: RetryAfter): void
  /** Connections are closed as soon as they are made, open ones at their next request. */
  away(): void
  /** Every call waits so long before anything is looked at. */
  slow(ms: number): void
  /** No call is answered sooner than so long after it came, whatever it spent the time with. */
  atLeast(ms: number): void
  /** Every answer comes byte by byte, head and all, with so much time between two of them. */
  slowLoris(everyMs?: number): void
  /** Every call is answered 200 with a page, as by a captive portal. */
  html(): void
  /** Every answer is followed by itself. */
  answerTwice(): void
  /** Every answer is followed by this text, which is part of nothing. */
  bytesAfterAnswer(text: string): void
  /** Certificates are issued with this defect. */
  wrongCertificate(defect: CertificateDefect): void
  /** Certificates and tokens are issued and written down, then the connection is reset instead of an answer. */
  resetAfterIssue(): void
  /** The clock of this ZTS is ahead by so much, or behind: certificates and tokens are issued and judged by it. */
  clockOffset(ms: number): void
  /** A public key of a service (`<domain>.<service>`) that the world has, but has not told this ZTS yet. */
  keyNotReplicated(service: string, keyId: string): void
  reset(): void
}

export type CertificateDefect = 'names' | 'key' | 'expired' | 'chain'

/** A header as it is, or made of seconds, or of epoch milliseconds: then it is an HTTP date. */
export type RetryAfter = string | { readonly seconds: number } | { readonly at: number }

export interface FaultState {
  busy?: { readonly status: number; readonly retryAfter: string | undefined }
  away?: true
  slowMs?: number
  atLeastMs?: number
  slowLorisMs?: number
  html?: true
  /** `again` is the answer itself. */
  after?: { readonly again: true } | { readonly text: string }
  defect?: CertificateDefect
  resetAfterIssue?: true
  clockOffsetMs?: number
  /** Of `<domain>.<service> <key id>`. */
  hiddenKeys?: ReadonlySet<string>
}

/** The control, and the state that the server reads. */
export function createFaults(): { readonly control: ZtsFaults; readonly current: () => Readonly<FaultState> } {
  let state: FaultState = {}
  const set = (more: FaultState) => void (state = { ...state, ...more })
  return {
    current: () => state,
    control: {
      busy: (status, retryAfter) => set({ busy: { status, retryAfter: headerOf(retryAfter) } }),
      away: () => set({ away: true }),
      slow: (slowMs) => set({ slowMs }),
      atLeast: (atLeastMs) => set({ atLeastMs }),
      slowLoris: (slowLorisMs = 1_000) => set({ slowLorisMs }),
      html: () => set({ html: true }),
      answerTwice: () => set({ after: { again: true } }),
      bytesAfterAnswer: (text) => set({ after: { text } }),
      wrongCertificate: (defect) => set({ defect }),
      resetAfterIssue: () => set({ resetAfterIssue: true }),
      clockOffset: (clockOffsetMs) => set({ clockOffsetMs }),
      keyNotReplicated: (service, keyId) =>
        set({ hiddenKeys: new Set([...(state.hiddenKeys ?? []), hiddenKey(service, keyId)]) }),
      reset: () => void (state = {}),
    },
  }
}

export const hiddenKey = (service: string, keyId: string): string => `${service} ${keyId}`

function headerOf(retryAfter: RetryAfter | undefined): string | undefined {
  if (retryAfter === undefined || typeof retryAfter === 'string') return retryAfter
  return 'at' in retryAfter ? new Date(retryAfter.at).toUTCString() : String(retryAfter.seconds)
}
