import { againAndAgain, type Clock } from '@pallas/runtime'
import { TemplatesError } from './error.ts'
import type { InitializerEvents } from './events.ts'
import { parseTemplates, type Templates } from './templates.ts'

export interface TemplateSourceOptions {
  /** Text under `init-config`; undefined when there is none. Rejects when the API server gives no answer. */
  readonly readConfigMap: (signal?: AbortSignal) => Promise<string | undefined>
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
  const read = async (signal?: AbortSignal): Promise<string> => given(await readConfigMap(signal))
  /** Undefined when the last look failed: then even the same text is news. */
  let known: string | undefined = await read()
  let templates = parseTemplates(known)
  events.templatesRead(templates.name)

  const sync = async (signal: AbortSignal): Promise<void> => {
    const before = known
    try {
      known = undefined
      known = await read(signal)
      if (known === before) return
      templates = parseTemplates(known)
      events.templatesRead(templates.name)
    } catch (error) {
      if (!signal.aborted) events.templatesKept(error)
    }
  }
  const running = againAndAgain({ clock, pauseMs: () => syncMs, work: sync, begin: 'pausing' })
  return { current: () => templates, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

function given(text: string | undefined): string {
  if (text === undefined) throw new TemplatesError(['there is no config map of that name with the key init-config'])
  return text
}
