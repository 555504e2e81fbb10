/** Names at random, near the edges that naming has. */
import * as fc from 'fast-check'

const part = fc.stringMatching(/^[a-z0-9_]([a-z0-9_-]{0,6}[a-z0-9_])?$/)

export const someDomain = fc.oneof(
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
  fc.stringMatching(/^k8s\.admin\.(kube-)?[a-z-]{1,8}$/),
)

export const someNamespace = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([ab-]{0,10}[a-z0-9])?$/),
  fc.stringMatching(/^kube-[a-z-]{0,6}[a-z]$/),
  fc.constantFrom('monitoring', 'ingress--nginx', 'k8s-admin', 'k8s-admin-monitoring'),
)

export const somePodName = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/)

export const someIp = fc.oneof(fc.ipV4(), fc.ipV6())
