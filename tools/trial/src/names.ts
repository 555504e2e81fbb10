/** The names that the trial lives by; those of `deploy/` are said again here because the keys are made for them. */
export const ADMIN_NAMESPACE = 'k8s-admin'
export const LEASES_NAMESPACE = 'athenz-leases'
export const ADMIN_DOMAIN = 'k8s.admin'
export const DNS_SUFFIX = 'svc.cluster.local'
export const PROVIDER = `${ADMIN_DOMAIN}.athenz-callback`
export const JWT_SERVICE = `${ADMIN_DOMAIN}.athenz-jwt-service`
export const AGENT = `${ADMIN_DOMAIN}.athenz-identity-agent`
export const ZTS = 'athenz-trial-zts'
export const SIGNING_KEY = 'athenz-init-secret'
export const PORT = 4443

/** Further services that Athenz lets the callback launch: those of `deploy/example`. */
export const MORE_SERVICES = ['athenz.trial.hello', 'athenz.trial.store', 'athenz.trial.report'] as const

/** Where the two example pods live, and who they are to Athenz: domain of the namespace, service of the account. */
export const EXAMPLE = { namespace: 'athenz-trial', web: 'athenz.trial.web', client: 'athenz.trial.client' } as const

export const serviceHost = (service: string): string => `${service}.${ADMIN_NAMESPACE}.${DNS_SUFFIX}`

/** On everything that the trial applies: what `--delete` takes away. */
export const LABEL = { key: 'athenz.io/trial', value: 'true' } as const
export const FIELD_MANAGER = 'athenz-trial'

export const DEFAULT_PLUGIN_DIR = '/usr/libexec/kubernetes/kubelet-plugins/volume/exec'
