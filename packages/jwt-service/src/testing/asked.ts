import { aPod } from '@pallas/identity/testing'
import type { SubjectRequest } from '@pallas/wire'

/** What an agent says of `aPod()`. */
export const asked: SubjectRequest = {
  namespace: 'media-on--air',
  name: 'web-0',
  domain: 'media.on-air',
  service: 'web',
  ip: '10.1.2.3',
  uid: aPod().uid,
}
