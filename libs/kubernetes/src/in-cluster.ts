/** What a pod may assume about the API server it runs under, as settings' defaults. Nothing is read here. */
export const IN_CLUSTER = {
  server: 'https://kubernetes.default.svc',
  tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  caFile: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
  namespaceFile: '/var/run/secrets/kubernetes.io/serviceaccount/namespace',
} as const
