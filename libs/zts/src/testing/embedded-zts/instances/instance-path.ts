import type { InstanceName } from '../../../zts.ts'
import type { Inbound } from '../parts.ts'
import { checkName } from '../schema.ts'

/** The instance that the path of a call names, noted among its facts. */
export function instanceOf({ params, facts }: Inbound): InstanceName {
  const [provider = '', domain = '', service = '', id = ''] = params
  const instance = {
    provider: checkName(provider, 'CompoundName', 'ServiceName').toLowerCase(),
    domain: checkName(domain, 'CompoundName', 'DomainName').toLowerCase(),
    service: checkName(service, 'SimpleName', 'SimpleName').toLowerCase(),
    instanceId: checkName(id, 'PathElement', 'PathElement'),
  }
  Object.assign(facts, instance)
  return instance
}
