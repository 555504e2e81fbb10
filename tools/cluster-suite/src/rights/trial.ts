/** What is tried without a right, and what it is tried on. */
import type { Material, Right } from '@pallas/trial'
import { createPod, eventually, launch, type LogRecord, type PodObject, type PodRequest, type ProgramName, request, type World } from '@pallas/suite'
import type { ClusterWorld } from '../world/open-world.ts'

export interface Scene {
  readonly it: ClusterWorld
  /** A pod that runs with its identity. */
  readonly web: PodObject
  readonly material: Material
  /** Pods that run for trials to end them: launched before these began, for others may keep a pod from its identity meanwhile. */
  readonly toEnd: PodObject[]
  /** Pods that have ended, and that ZTS must forget before long. */
  readonly owed: PodObject[]
}

/** Resolves when what the right is for has ended; what it resolves with resolves when it is there again. */
export type Trial = (scene: Scene) => Promise<() => Promise<unknown>>

/** `<verb> <resource>` of one account. */
export type Trials = Readonly<Record<string, Trial>>

export const keyOf = ({ verb, resource }: Pick<Right, 'verb' | 'resource'>): string => `${verb} ${resource}`

const IDLE = ['sleep', '3600']

/** A pod that waits for its identity, or has it: whoever made it sees to that. */
export async function beginLaunch({ it }: Scene, name: string): Promise<PodRequest> {
  const pod = request(it, name, { command: IDLE })
  await createPod(it, pod)
  return pod
}

export const launched = ({ it }: Scene, name: string): Promise<PodObject> => launch(it, request(it, name, { command: IDLE }))

type Logs = Pick<World, 'programs' | 'deadlineMs'>

/** The first of such records in the log of a program. */
export const told = ({ programs, deadlineMs }: Logs, program: ProgramName, what: string, isIt: (record: LogRecord['record']) => boolean): Promise<LogRecord> =>
  eventually(what, async () => (await programs.records(program)).find(({ record }) => isIt(record)), deadlineMs)

export interface Failing {
  readonly message: string
  readonly code: string
  /** Part of what the API server said of it. */
  readonly detail?: string
}

interface LoggedError {
  readonly code?: string
  readonly fields?: { readonly detail?: string }
}

/** How often it has said this of such a failure. */
export async function timesFailed({ programs }: Pick<World, 'programs'>, program: ProgramName, { message, code, detail = '' }: Failing): Promise<number> {
  const records = await programs.records(program)
  return records.filter(({ record }) => {
    const err = record['err'] as LoggedError | undefined
    return record['msg'] === message && err?.code === code && (err.fields?.detail ?? '').includes(detail)
  }).length
}
