/** A long-running program of the cluster: what it is called with, and how one sees that it works. Plain values: they are journalled. */

export type Probe =
  /** Answers 200 there. `admin`: over TLS, with the administrator's certificate. */
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'admin'; readonly url: string }
  /** Takes connections there. */
  | { readonly kind: 'socket'; readonly path: string }

export interface Daemon {
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  readonly probe: Probe
  readonly deadlineMs: number
}
