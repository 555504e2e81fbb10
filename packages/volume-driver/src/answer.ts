/** What the kubelet reads: one JSON object and nothing else (`spec/node-interfaces.md` 1.4). */
import { describeError } from './error.ts'

export interface Answer {
  readonly status: 'Success' | 'Failure' | 'Not supported'
  readonly message: string
  readonly capabilities?: Readonly<Record<string, boolean>>
}

export const success = (message = ''): Answer => ({ status: 'Success', message })

export const failure = (error: unknown): Answer => ({ status: 'Failure', message: describeError(error) })

export const notSupported: Answer = { status: 'Not supported', message: '' }

/**
 * Each key left out would mean true: the kubelet would then wait for an attach, or change owners through the bind
 * (W12).
 */
export const initialised: Answer = {
  ...success(),
  capabilities: { attach: false, fsGroup: false, selinuxRelabel: false },
}

export const formatAnswer = (answer: Answer): string => `${JSON.stringify(answer)}\n`
