/** Containers that are no processes: a test says when each ends, and sees what it was sent. */
import type { ContainerRuntime, ContainerSpec, Exit } from '../kubelet/containers.ts'

export class FakeContainer {
  readonly spec: ContainerSpec
  readonly pid: number
  readonly signals: NodeJS.Signals[] = []
  /** Signals that end it, with 0; SIGKILL always does, with 137. */
  readonly #obeys: ReadonlySet<NodeJS.Signals>
  readonly #exit = Promise.withResolvers<Exit>()

  constructor(spec: ContainerSpec, pid: number, obeys: readonly NodeJS.Signals[]) {
    this.spec = spec
    this.pid = pid
    this.#obeys = new Set(obeys)
  }

  get exited(): Promise<Exit> {
    return this.#exit.promise
  }

  /** Its name in the pod. */
  get name(): string {
    return this.spec.logFile.replace(/^.*_/, '').replace('.log', '')
  }

  signal(name: NodeJS.Signals): void {
    this.signals.push(name)
    if (name === 'SIGKILL') this.#exit.resolve({ exitCode: 137, signal: name })
    else if (this.#obeys.has(name)) this.end(0)
  }

  end(exitCode: number): void {
    this.#exit.resolve({ exitCode, signal: undefined })
  }
}

export class FakeRuntime implements ContainerRuntime {
  readonly started: FakeContainer[] = []
  /** What containers started from now on obey. */
  obeys: readonly NodeJS.Signals[] = ['SIGTERM']
  /** The next start fails with this. */
  failure: Error | undefined

  start(spec: ContainerSpec): Promise<FakeContainer> {
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) return Promise.reject(failure)
    const container = new FakeContainer(spec, this.started.length + 1, this.obeys)
    this.started.push(container)
    return Promise.resolve(container)
  }

  /** The newest container of that name. */
  newest(name: string): FakeContainer {
    const found = this.started.findLast((it) => it.name === name)
    if (found === undefined) throw new Error(`${name} was not started`)
    return found
  }

  get names(): readonly string[] {
    return this.started.map(({ name }) => name)
  }
}
