/**
 * Whether a part of a pod is the one that a template makes, as the API server shows it afterwards.
 *
 * Between two looks the server fills in defaults, drops empty values and rewrites quantities (`api-shapes.ts`), and other
 * admission plug-ins add what is tolerated (`harmless.ts`). For the rest a part says what its template says: no less and
 * no more.
 */
import { CONTAINER, VOLUME } from './api-shapes.ts'
import { difference } from './difference.ts'
import { type Tolerance, withoutAdditions } from './harmless.ts'
import { imageName } from './image-name.ts'
import { fieldOf, type Fields, isFields, type Named } from './json.ts'

export interface PartRules extends Tolerance {
  readonly hostNetwork: boolean
}

/** The first field that differs; undefined: none does. */
export function containerDifference(template: Named, actual: Named, rules: PartRules): string | undefined {
  const found = withoutAdditions(template, actual, rules)
  return difference(served(template, actual, rules), served(found, actual, rules), CONTAINER)
}

export const volumeDifference = (template: Named, actual: Named): string | undefined => difference(template, actual, VOLUME)

/** With the defaults that follow from other fields. */
function served(container: Fields, { imagePullPolicy: seen }: Fields, { hostNetwork }: PartRules): Fields {
  // `AlwaysPullImages` overrides what was said.
  const imagePullPolicy = seen === 'Always' ? seen : fieldOf(container, 'imagePullPolicy') || pullPolicyFor(fieldOf(container, 'image'))
  const ports = fieldOf(container, 'ports')
  return { ...container, imagePullPolicy, ports: hostNetwork && Array.isArray(ports) ? ports.map(onHost) : ports }
}

/** On its host's network a container's port is one of the host, which the server writes down. */
const onHost = (port: unknown): unknown =>
  isFields(port) ? { ...port, hostPort: fieldOf(port, 'hostPort') || fieldOf(port, 'containerPort') } : port

/** An image without tag and digest is the latest. */
export function pullPolicyFor(image: unknown): 'Always' | 'IfNotPresent' {
  const written = String(image)
  const version = written.slice(imageName(written).length)
  return version === '' || version === ':latest' || version.startsWith(':latest@') ? 'Always' : 'IfNotPresent'
}
