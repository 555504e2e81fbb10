/** What `deploy/` and the trial call things. */
export const ADMIN_NAMESPACE = 'k8s-admin'
/** Of the callback's records. */
export const LEASES_NAMESPACE = 'athenz-leases'
export const ADMIN_DOMAIN = 'k8s.admin'
export const DNS_SUFFIX = 'svc.cluster.local'
export const PROVIDER = `${ADMIN_DOMAIN}.athenz-callback`
export const AGENT = `${ADMIN_DOMAIN}.athenz-identity-agent`
export const ZTS = 'athenz-trial-zts'
export const PORT = 4443
export const CONFIG_MAP = 'athenz-initializer'

/** Namespaces of workloads, in all of which the same accounts are made. */
export const NAMESPACES = ['shop', 'media-on--air', 'k8s-admin-kube--system'] as const
export const ACCOUNTS = ['web', 'orders', 'intruder', 'stranger', 'player'] as const
/** `<domain>.<service>` that Athenz lets the callback launch. */
export const WORKLOADS = ['shop.web', 'shop.orders', 'shop.intruder', 'media.on-air.player'] as const
