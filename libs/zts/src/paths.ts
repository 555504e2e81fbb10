/** Paths below the base URL of ZTS, made only of what its URLs may hold (spec: Athenz `Names.tdl`). */
import { ZtsError } from './error.ts'
import type { InstanceName } from './zts.ts'

const SERVICE_NAME = /^[a-zA-Z0-9_][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_][a-zA-Z0-9_-]*)*$/
const PATH_ELEMENT = /^[a-zA-Z0-9\-._~=+@$,:]+$/
const LONGEST = 512

export const registerPath = (): string => '/instance'

export const instancePath = ({ provider, domain, service, instanceId }: InstanceName): string =>
  `/instance/${name(provider)}/${name(domain)}/${name(service)}/${element(instanceId)}`

export const serviceRefreshPath = (domain: string, service: string): string =>
  `/instance/${name(domain)}/${name(service)}/refresh`

function name(text: string): string {
  if (text.length <= LONGEST && SERVICE_NAME.test(text)) return text
  throw new ZtsError('ZTS_REFUSED', 'not an athenz name')
}

/** A lone `.` or `..` fits the pattern, but whatever stands between us and ZTS would resolve it. */
function element(text: string): string {
  if (text.length <= LONGEST && PATH_ELEMENT.test(text) && !/^\.{1,2}$/.test(text)) return text
  throw new ZtsError('ZTS_REFUSED', 'not an instance id that zts can name')
}
