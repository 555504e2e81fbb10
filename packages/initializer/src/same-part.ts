/**
 * Whether a part of a pod is the one that a template makes, as the API server shows it afterwards.
 *
 * Between two looks the server fills in defaults, drops empty values and rewrites quantities (`1000m` becomes `1`), and
 * other admission plug-ins add mounts, variables and limits. So all that the template says must be there, and what others
 * are known to add may be; what would make the container do something else may not.
 */
import { fieldOf, type Fields, type Named } from './json.ts'
import { isMountHarmless, isSecurityHarmless, isVariableHarmless } from './harmless.ts'
import { isEmpty, isMadeFrom } from './made-from.ts'

/** What others may have put there, given what the template says there. */
const FILLED_IN: Readonly<Record<string, (added: unknown, template: Named) => boolean>> = {
  env: isVariableHarmless,
  imagePullPolicy: () => true,
  resources: (added) => isEmpty(fieldOf(added as Fields, 'claims')),
  securityContext: isSecurityHarmless,
  // What is there is read into the pod's status.
  terminationMessagePath: (added) => added === '/dev/termination-log',
  terminationMessagePolicy: () => true,
  volumeMounts: isMountHarmless,
}

export function isContainerFrom(template: Named, actual: Named): boolean {
  // `AlwaysPullImages` overrides what was said.
  const { imagePullPolicy: _ignored, ...said } = template as Fields
  if (!isMadeFrom(said, actual)) return false
  return Object.entries(actual).every(([key, value]) => {
    if (isEmpty(value)) return true
    if (Object.hasOwn(FILLED_IN, key)) return FILLED_IN[key]?.(value, template) === true
    const wanted = fieldOf(template, key)
    return !isEmpty(wanted) && !(Array.isArray(wanted) && Array.isArray(value) && wanted.length !== value.length)
  })
}

/** The kind of volume is a key, which may stand before nothing: `emptyDir: {}`. */
export const isVolumeFrom = (template: Named, actual: Named): boolean =>
  isMadeFrom(template, actual) && Object.keys(template).toSorted().join() === Object.keys(actual).toSorted().join()
