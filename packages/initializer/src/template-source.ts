import type { Clock } from '@pallas/runtime'
import { TemplatesError } from './error.ts'
import type { InitializerEvents } from './events.ts'
import { parseTemplates, type Templates } from './templates.ts'

export interface TemplateSourceOptions {
  /** Text under `init-config`; undefined when there is none. Rejects when the API server gives no answer. */
  readonly readConfigMap: (signal: AbortSignal) => Promise<string | undefined>
  readonly clock: Pick<Clock, 'sleep'>
  readonly syncMs: number
  readonly events: Pick<InitializerEvents, 'templatesRead' | 'templatesKept'>
}

export interface TemplateSource extends AsyncDisposable {
  readonly current: () => Templates
}

/**
 * Rejects when there are no good templates at the start (`TemplatesError` with every problem). Later ones that cannot be
 * read or used are told, once for each text, and the last good ones stay.
 */
export async function openTemplateSource({ readConfigMap, clock, syncMs, events }: TemplateSourceOptions): Promise<TemplateSource> {
  const stop = new AbortController()
  /** Undefined when the last look failed: then even the same text is news. */
  let known: string | undefined = await readText(readConfigMap, stop.signal)
  let templates = parseTemplates(known)
  events.templatesRead(templates.name)

  const sync = async (): Promise<void> => {
    const before = known
    try {
      known = undefined
      known = await readText(readConfigMap, stop.signal)
      if (known === before) return
      templates = parseTemplates(known)
      events.templatesRead(templates.name)
    } catch (error) {
      if (!stop.signal.aborted) events.templatesKept(error)
    }
  }
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(syncMs, stop.signal)
      await sync()
    }
  }
  const running = run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    current: () => templates,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

async function readText(read: TemplateSourceOptions['readConfigMap'], signal: AbortSignal): Promise<string> {
  const text = await read(signal)
  if (text === undefined) throw new TemplatesError(['there is no config map of that name with the key init-config'])
  return text
}
