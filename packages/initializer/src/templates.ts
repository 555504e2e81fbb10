/**
 * What is injected: the YAML under `init-config` of the ConfigMap, in the original's schema (spec/athenz-suite.md, 6).
 *
 * `initTemplate`, `refreshTemplate` (a v1 Container each) and `volumeTemplate` (a v1 Volume) are YAML text or mappings.
 * Everything that can be known to be wrong is found here, before any pod comes by; nothing of a pod enters a template.
 */
import { TemplatesError } from './error.ts'
import { imageName } from './image-name.ts'
import { fieldOf, type Fields, isFields, isNamed, type Named } from './json.ts'
import { parseMapping } from './yaml.ts'

export interface Templates {
  readonly name: string
  /** Annotation that must be `"true"`; empty: every pod is meant. */
  readonly annotationTrigger: string
  /** Without tags and digests. */
  readonly removeImages: readonly string[]
  readonly init: Named
  readonly refresh: Named
  readonly volume: Named
  /** Names of the other volumes that the two containers mount: a `scratchVolume` each. */
  readonly scratch: readonly string[]
}

const FIELDS = ['name', 'annotationTrigger', 'removeImages', 'initTemplate', 'refreshTemplate', 'volumeTemplate']
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws `TemplatesError` with every problem. */
export function parseTemplates(text: string): Templates {
  const problems: string[] = []
  const config = parseMapping(text)
  if (typeof config === 'string') throw new TemplatesError([`init-config ${config}`])
  const parts = {
    init: containerIn(config, 'initTemplate', problems),
    refresh: containerIn(config, 'refreshTemplate', problems),
    volume: volumeIn(config, problems),
  }
  const templates: Templates = {
    name: textIn(config, 'name', problems) || (problems.push('name is missing'), ''),
    annotationTrigger: textIn(config, 'annotationTrigger', problems),
    removeImages: imagesIn(config, problems),
    ...parts,
    scratch: [...new Set([...mountsOf(parts.init), ...mountsOf(parts.refresh)])].filter((name) => name !== parts.volume.name),
  }
  problems.push(...Object.keys(config).filter((key) => !FIELDS.includes(key)).map((key) => `${key} is not a field`))
  if (problems.length === 0) problems.push(...disagreements(templates))
  if (problems.length > 0) throw new TemplatesError(problems)
  return templates
}

/** What is wrong between templates that are good by themselves. */
function disagreements({ init, refresh, volume }: Templates): string[] {
  return [
    ...(init.name === refresh.name ? ['initTemplate and refreshTemplate have the same name'] : []),
    ...(fieldOf(init, 'restartPolicy') === undefined ? [] : ['initTemplate must end: it takes no restartPolicy']),
    ...[init, refresh]
      .filter((container) => !mountsOf(container).includes(volume.name))
      .map((container) => `container ${container.name} does not mount volume ${volume.name}`),
  ]
}

const NO_PART: Named = { name: '' }

function containerIn(config: Fields, field: string, problems: string[]): Named {
  const container = partIn(config, field, problems)
  if (container === NO_PART) return container
  const image = fieldOf(container, 'image')
  if (typeof image !== 'string' || image === '') problems.push(`${field} has no image`)
  const mounts = fieldOf(container, 'volumeMounts')
  if (mounts !== undefined && !(Array.isArray(mounts) && mounts.every(isMount))) {
    problems.push(`${field} has volumeMounts that are not a list of name and mountPath`)
  }
  return container
}

const isMount = (it: unknown): boolean => isNamed(it) && typeof fieldOf(it, 'mountPath') === 'string'

function volumeIn(config: Fields, problems: string[]): Named {
  const volume = partIn(config, 'volumeTemplate', problems)
  if (volume !== NO_PART && Object.keys(volume).length !== 2) problems.push('volumeTemplate must have a name and one source')
  return readOnly(volume)
}

const OUR_DRIVER = /(^|\/)athenz-volume-driver$/

/** As our driver wants it, which refuses any other; templates of the original do not say it. */
function readOnly(volume: Named): Named {
  const flexVolume = fieldOf(volume, 'flexVolume')
  if (!isFields(flexVolume) || !OUR_DRIVER.test(String(fieldOf(flexVolume, 'driver')))) return volume
  return { ...volume, flexVolume: { ...flexVolume, readOnly: true } }
}

function partIn(config: Fields, field: string, problems: string[]): Named {
  const value = fieldOf(config, field)
  const part = typeof value === 'string' ? parseMapping(value) : value
  if (value === undefined) problems.push(`${field} is missing`)
  else if (!isFields(part)) problems.push(`${field} ${typeof part === 'string' ? part : 'is not a mapping'}`)
  else if (!isNamed(part) || !DNS_LABEL.test(part.name)) problems.push(`${field} has no name that kubernetes takes`)
  else return part
  return NO_PART
}

function textIn(config: Fields, field: string, problems: string[]): string {
  const value = fieldOf(config, field) ?? ''
  if (typeof value === 'string') return value
  problems.push(`${field} is not text`)
  return ''
}

function imagesIn(config: Fields, problems: string[]): string[] {
  const value = fieldOf(config, 'removeImages') ?? []
  const names = Array.isArray(value) ? value.map((it) => (typeof it === 'string' ? imageName(it) : '')) : ['']
  if (!names.includes('')) return names
  problems.push('removeImages is not a list of image names')
  return []
}

function mountsOf(container: Named): string[] {
  const mounts = fieldOf(container, 'volumeMounts')
  return Array.isArray(mounts) ? mounts.filter(isNamed).map(({ name }) => name) : []
}
