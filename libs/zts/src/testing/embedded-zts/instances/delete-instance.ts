/** `DELETE /instance/…`: for the provider itself, or whoever may `delete` the instance (spec `zts.md` 4.2). */
import { emptyAnswer, Refusal } from '../answer.ts'
import { isAllowed } from '../authorise.ts'
import { instanceOf } from './instance-path.ts'
import type { Flow } from '../parts.ts'
import { checkIsService, notAuthenticated } from '../principal.ts'

export const deleteInstance: Flow = async ({ world, records }, inbound) => {
  const { principal } = inbound
  if (principal === undefined) throw notAuthenticated()
  checkIsService(principal)
  const instance = instanceOf(inbound)
  const { provider, domain, instanceId } = instance
  if (principal.name !== provider && !isAllowed(world, principal.name, 'delete', `${domain}:instance.${instanceId}`)) {
    throw new Refusal(403, 'Forbidden')
  }
  records.forget(instance)
  return emptyAnswer(204)
}
