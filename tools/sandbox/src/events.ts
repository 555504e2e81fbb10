/** What a sandbox tells whoever watches it. */
import type { CallRecord } from '@pallas/kubernetes/testing'
import type { ZtsCall } from '@pallas/zts/testing'

export interface ClusterEvents {
  /** A program is ready, or a party is up. */
  up?(name: string, ms: number): void
  /** A program ended though nobody asked it to. */
  down?(name: string, exitCode: number): void
  /** A step of a pod's life at the kubelet. */
  pod?(pod: { readonly namespace: string; readonly name: string }, step: string, detail?: string): void
  zts?(call: ZtsCall): void
  api?(call: CallRecord): void
  /** A JSON line of a program's log. */
  log?(program: string, record: Readonly<Record<string, unknown>>): void
}

/** Tells when something is up, and how long that took. */
export type Timed = <T>(name: string, starting: Promise<T>) => Promise<T>
