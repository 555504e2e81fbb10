import { againAndAgain, type Clock } from '@pallas/runtime'
import { TemplatesError } from './error.ts'
import type { InitializerEvents } from './events.ts'
import { parseTemplates, type Templates } from './templates.ts'

export interface TemplateSourceOptions {
  /** Text under `init-config`; undefined when there is none. Rejects when the API server gives no answer. */
  readonly readConfigMap: (signal?: AbortSignal) => Promise<string | undefined>
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  readonly syncMs: number
  readonly events: Pick<InitializerEvents, 'templatesRead' | 'templatesKept'>
}

export interface TemplateSource extends AsyncDisposable {
  readonly current: () => Templates
  /** Those before them, while another replica may still inject by them. */
  readonly former: () => Templates | undefined
  /** Looks at the ConfigMap now; resolves in any case, and soon. Whoever comes at the same time shares the look. */
  readonly refresh: () => Promise<void>
}

/** Other replicas look once a minute by default, and a pod is on its way between two looks for seconds. */
export const GRACE_MS = 5 * 60_000
/** Two looks and the pause between them are well within the five seconds that an API server waits. */
export const REFRESH_MS = 2_000
/** Whoever makes pods that collide makes no more looks than these, and waits for no longer. */
export const PAUSE_MS = 100

/**
 * Rejects when there are no good templates at the start (`TemplatesError` with every problem). Later ones that cannot be
 * read or used are told, once for each text, and the last good ones stay.
 */
export async function openTemplateSource({ readConfigMap, clock, syncMs, events }: TemplateSourceOptions): Promise<TemplateSource> {
  const read = async (signal?: AbortSignal): Promise<string> => given(await readConfigMap(signal))
  const graceMs = Math.max(GRACE_MS, 2 * syncMs)
  /** Undefined when the last look failed: then even the same text is news. */
  let known: string | undefined = await read()
  let templates = parseTemplates(known)
  let before: { readonly templates: Templates; readonly until: number } | undefined
  let used = known
  events.templatesRead(templates.name)

  const look = async (signal: AbortSignal): Promise<void> => {
    const seen = known
    try {
      known = undefined
      known = await read(signal)
      if (known === seen) return
      const next = parseTemplates(known)
      // The same again, after an outage, is no other generation.
      if (known !== used) before = { templates, until: clock.monotonic() + graceMs }
      used = known
      templates = next
      events.templatesRead(templates.name)
    } catch (error) {
      if (!signal.aborted) events.templatesKept(error)
    }
  }
  const turns = createTurns()
  const looks = createLooks({ clock, look: (signal) => turns(() => look(signal)) })
  const running = againAndAgain({ clock, pauseMs: () => syncMs, work: (signal) => turns(() => look(signal)), begin: 'pausing' })
  return {
    current: () => templates,
    former: () => (before !== undefined && clock.monotonic() < before.until ? before.templates : undefined),
    refresh: () => looks.share(),
    async [Symbol.asyncDispose]() {
      await looks.stop()
      await running[Symbol.asyncDispose]()
    },
  }
}

/** One after the other, so that what was read later is what counts. */
function createTurns(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (work) => (last = last.then(work))
}

/** A look that has begun may have missed what somebody wants to see: they share the next. */
function createLooks({ clock, look }: { readonly clock: Pick<Clock, 'sleep'>; readonly look: (signal: AbortSignal) => Promise<void> }) {
  const ending = new AbortController()
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const begin = async (): Promise<void> => {
    await last
    next = undefined
    const looked = look(ending.signal)
    last = looked.then(() => clock.sleep(PAUSE_MS, ending.signal)).catch(() => undefined)
    await looked
  }
  return {
    async stop(): Promise<void> {
      ending.abort()
      await next
      await last
    },
    async share(): Promise<void> {
      const over = new AbortController()
      const late = clock.sleep(REFRESH_MS, AbortSignal.any([over.signal, ending.signal])).catch(() => undefined)
      next ??= begin()
      await Promise.race([next, late])
      over.abort()
    },
  }
}

function given(text: string | undefined): string {
  if (text === undefined) throw new TemplatesError(['there is no config map of that name with the key init-config'])
  return text
}
