/** What the initializer can be told. Names and defaults of the original stay; everything else begins `INITIALIZER_`. */
import { isIP } from 'node:net'
import { address, duration, list, name, oneOf, path, program as define, setting, type SettingsOf, text } from '@pallas/config'
import { apiSettings } from '@pallas/kubernetes/settings'
import { serverSettings } from '@pallas/service/settings'
import type { Tolerance } from './harmless.ts'

/** What decides on a pod besides the templates, whoever decides: the webhook or a policy. */
export const injectionSettings = {
  sidecar: setting(oneOf('native', 'container'), {
    default: 'native',
    doc: 'How the refresher runs: as an init container that keeps running (Kubernetes 1.29 or later), or as one more container.',
  }),
  hostNetwork: setting(oneOf('refuse', 'no-ip'), {
    default: 'refuse',
    doc: "Pods on their host's network: refused here, or left to get a certificate without an IP address. As `host-network` of the cluster.",
  }),
  toleratedEnv: setting(list(name), {
    default: '',
    doc: 'Names of variables that other webhooks may add to what is injected. A pod can give them any value: name none that a program of the image obeys to the harm of its pod.',
  }),
  toleratedMounts: setting(list(path), {
    default: '',
    doc: 'Paths at which other webhooks may mount something into what is injected. A pod can mount anything there.',
  }),
}

const schema = {
  listen: setting(address, { default: ':4443', doc: 'Address of the webhook, `POST /mutate` over TLS.' }),
  key: setting(path, {
    doc: 'PEM private key of the webhook, from whoever makes its certificate. Without it the webhook makes one itself, and tells the API server.',
  }),
  cert: setting(path, { doc: 'PEM certificate chain of the webhook, for `<service>.<namespace>.svc`; with `key`.' }),
  webhookConfiguration: setting(text, {
    default: 'athenz-initializer',
    doc: 'MutatingWebhookConfiguration whose `caBundle` the webhook keeps, where it makes its own certificate.',
  }),
  serverNames: setting(list(name), {
    default: 'athenz-initializer.k8s-admin.svc',
    doc: 'Names or IP addresses by which the API server calls the webhook, of the certificate that it makes itself.',
  }),
  podName: setting(text, {
    env: 'POD_NAME',
    default: '',
    doc: 'Tells replicas apart in the bundle: no two that run may have the same. Empty: the name of the host, which is that of the pod.',
  }),
  certificateLife: setting(duration({ min: '1s' }), {
    default: '24h',
    doc: 'How long a certificate that the webhook makes itself is valid; another takes its place at about half of that.',
  }),
  bundleInterval: setting(duration({ min: '100ms' }), {
    default: '3s',
    doc: 'How often the webhook looks whether the `caBundle` holds what it must.',
  }),
  bundleSettle: setting(duration(), {
    default: '5s',
    doc: 'How long the API servers are given to learn of a `caBundle` before anything is served that only the new one vouches for.',
  }),
  configNamespace: setting(text, { env: 'CONFIG_NAMESPACE', default: 'default', doc: 'Namespace of the ConfigMap of templates.' }),
  configMap: setting(text, {
    env: 'CONFIG_MAP',
    default: 'athenz-initializer',
    doc: 'ConfigMap with the templates as YAML under the key `init-config`.',
  }),
  syncInterval: setting(duration({ min: '1s' }), {
    env: 'SYNC_INTERVAL',
    default: '60s',
    doc: 'How often the ConfigMap is read again. Templates that cannot be used are logged, and the old ones stay.',
  }),
  drain: setting(duration({ max: '1m' }), {
    default: '3s',
    doc: 'How long the webhook goes on answering after a signal to stop, each connection once more, until API servers call others.',
  }),
  ...injectionSettings,
  ...apiSettings,
  ...serverSettings,
}

export const program = define({
  name: 'athenz-initializer',
  envPrefix: 'INITIALIZER',
  summary: 'Admission webhook: injects the identity volume, the SIA and its refresher into pods that ask for an identity.',
  schema,
  check: ({ key, cert, webhookConfiguration, serverNames, certificateLife, bundleSettle, configNamespace, configMap, toleratedEnv, toleratedMounts }) => [
    ...((key === undefined) === (cert === undefined) ? [] : ['--key and --cert go together']),
    ...(isName(webhookConfiguration) ? [] : ['--webhook-configuration must be the name of a webhook configuration']),
    ...(serverNames.length > 0 && serverNames.every(isServerName) ? [] : ['--server-names must be names or addresses of servers']),
    ...(4 * bundleSettle <= certificateLife ? [] : ['--bundle-settle must be a quarter of --certificate-life at most']),
    ...(isName(configNamespace) ? [] : ['--config-namespace must be the name of a namespace']),
    ...(isName(configMap) ? [] : ['--config-map must be the name of a config map']),
    ...toleranceProblems({ toleratedEnv, toleratedMounts }),
  ],
})

export const toleranceProblems = ({ toleratedEnv, toleratedMounts }: Tolerance): string[] => [
  ...(toleratedEnv.every(isVariable) ? [] : ['--tolerated-env must be names of variables, without values and patterns']),
  ...(toleratedMounts.every(isPlace) ? [] : ['--tolerated-mounts must be whole paths of directories or files, as they are mounted']),
]

/** Part of a path at the API server. */
export const isName = (it: string): boolean => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(it)

const isServerName = (it: string): boolean => isIP(it) > 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(it)

const isVariable = (it: string): boolean => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(it)

/** From the root and without detours: what is compared is the text. */
const isPlace = (it: string): boolean => it.split('/').every((part, index) => (index === 0 ? part === '' : !['', '.', '..'].includes(part)))

export type InitializerSettings = SettingsOf<typeof program>
