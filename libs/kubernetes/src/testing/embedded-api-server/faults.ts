/** What a test can make of the server: away, slow, refusing, silent, or forgetful. */

export interface Faults {
  /** Connections break and new ones are cut at once, until `clear`. */
  away(): void
  /** Each answer waits this long first. */
  slow(ms: number): void
  /** Every call is refused with this status; with Retry-After when given. */
  status(code: number, retryAfterSeconds?: number): void
  /** Calls are taken and never answered. */
  hang(): void
  /** Watches that are open say nothing more and never end, as when a firewall forgot them. */
  stallWatches(): void
  /** Open watches are cut in the middle. */
  breakWatches(): void
  /** Open watches get these bytes. */
  disturbWatches(bytes: string): void
  /** Old resource versions and continue tokens are too old from now on. */
  forgetHistory(): void
  clear(): void
}

export type FaultMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'away' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds: number | undefined }

export interface OpenWatch {
  write(text: string): void
  stall(): void
  cut(): void
}

/** The present fault, and the watches that faults act upon. */
export class FaultState {
  mode: FaultMode = { kind: 'none' }
  readonly watches = new Set<OpenWatch>()
}

export interface FaultDeps {
  readonly state: FaultState
  readonly cutConnections: () => void
  readonly forget: () => void
}

export const createFaults = ({ state, cutConnections, forget }: FaultDeps): Faults => ({
  away: () => {
    state.mode = { kind: 'away' }
    cutConnections()
  },
  slow: (ms) => {
    state.mode = { kind: 'slow', ms }
  },
  status: (code, retryAfterSeconds) => {
    state.mode = { kind: 'status', code, retryAfterSeconds }
  },
  hang: () => {
    state.mode = { kind: 'hang' }
  },
  stallWatches: () => {
    for (const watch of state.watches) watch.stall()
  },
  breakWatches: () => {
    for (const watch of state.watches) watch.cut()
  },
  disturbWatches: (bytes) => {
    for (const watch of state.watches) watch.write(bytes)
  },
  forgetHistory: forget,
  clear: () => {
    state.mode = { kind: 'none' }
  },
})
