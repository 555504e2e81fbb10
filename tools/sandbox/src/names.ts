/** The names that this sandbox lives by, said once. */
export const NODE = 'node-1'
export const ADMIN_DOMAIN = 'k8s.admin'
export const ADMIN_NAMESPACE = 'k8s-admin'
export const LEASES_NAMESPACE = 'athenz-leases'
export const DNS_SUFFIX = 'svc.cluster.local'
export const PROVIDER = `${ADMIN_DOMAIN}.athenz-callback`
export const JWT_SERVICE = `${ADMIN_DOMAIN}.athenz-jwt-service`
export const AGENT_ACCOUNT = 'athenz-identity-agent'
export const AGENT = `${ADMIN_DOMAIN}.${AGENT_ACCOUNT}`
export const ZTS_NAME = 'zts.sandbox'
export const SIGNING_KEY = 'athenz-init-secret'
export const CONFIG_MAP = 'athenz-initializer'
/** Its configuration, and its Service. */
export const WEBHOOK = 'athenz-initializer'
/** By which the API server calls it. */
export const WEBHOOK_NAME = `${WEBHOOK}.${ADMIN_NAMESPACE}.svc`

/** Service accounts of the control plane: user names at the API server. */
export const ACCOUNTS = ['athenz-identity-agent', 'athenz-jwt-service', 'athenz-callback', 'athenz-initializer'] as const
export type Account = (typeof ACCOUNTS)[number]

export const userOf = (account: Account): string => `system:serviceaccount:${ADMIN_NAMESPACE}:${account}`
export const NODE_USER = `system:node:${NODE}`
export const ADMIN_USER = 'sandbox-admin'

/** Workloads that Athenz knows and lets the callback launch: `<domain>.<service>` = `<namespace>` and service account. */
export const WORKLOADS = ['shop.web', 'shop.orders', 'shop.intruder', 'media.on-air.player'] as const

/** A role of another domain than the pods', as `deploy/example/pod-with-role.yaml` asks for it; its only member is `shop.web`. */
export const ROLE = { domain: 'stock', role: 'readers', member: 'shop.web' } as const
export const ROLE_NAME = `${ROLE.domain}:role.${ROLE.role}`
/** ConfigMap with the roots of ZTS, and the key of them in it, for pods that ask ZTS themselves. */
export const ROOTS = { configMap: 'athenz-roots', key: 'athenz.pem' } as const

/** What `deploy/base` calls them. */
export const TRIGGER = 'initializer.kubernetes.io/athenz'
export const FLEX_DRIVER = 'athenz.kubernetes.io/athenz-volume-driver'
export const SIA_COMMAND = '/usr/bin/athenz-sia'
