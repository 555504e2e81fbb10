/** What the agent can be told. Names and defaults of the original stay; everything else begins `IDENTITY_AGENT_`. */
import {
  duration,
  endpoint,
  flag,
  name,
  oneOf,
  path,
  program as define,
  setting,
  type SettingsOf,
  text,
  url,
} from '@pallas/config'
import { apiSettings } from '@pallas/kubernetes/settings'
import { serverSettings } from '@pallas/service/settings'
import { SOCKET_PATH_LIMIT } from '@pallas/wire'
import { clusterConfigSetting } from '@pallas/wire/cluster-config'

const schema = {
  listen: setting(endpoint, {
    env: 'ADDR',
    doc: 'The socket that pods share with `--isolation shared`, `unix://…`, on the mount of `--volumes-dir`; then by default that of the original.',
  }),
  isolation: setting(oneOf('per-workload', 'shared'), {
    default: 'per-workload',
    doc: '`per-workload`: each volume has a socket of its own. `shared`: one socket besides, as of the original, for the volumes of a driver that is set likewise; weaker.',
  }),
  unkeyedHandles: setting(flag, {
    default: 'false',
    doc: 'Serve volumes under the names of the original driver too, which whoever sees pod UIDs can compute; weaker.',
  }),
  keyAlgorithm: setting(oneOf('ec-p256', 'rsa-2048'), {
    default: 'ec-p256',
    doc: 'Keys that the agent makes for pods that bring none; `rsa-2048` as the original, for clients that read nothing else.',
  }),
  identityTokenFile: setting(path, {
    doc: "Projected service account token of the agent's pod, for the provider: with it the agent gets its own certificate from ZTS.",
  }),
  identityDir: setting(path, {
    default: '/var/run/athenz/identity',
    doc: 'Where the agent keeps the key and certificate that it got; in memory, and gone with its pod.',
  }),
  key: setting(path, {
    env: 'KEY_FILE',
    doc: "PEM private key of the agent's own certificate, where the host provides it; in place of `--identity-token-file`.",
  }),
  cert: setting(path, {
    env: 'CERT_FILE',
    doc: "PEM certificate that the JWT service knows this node's agent by; with `--key`.",
  }),
  podEndpoint: setting(text, {
    env: 'POD_ENDPOINT',
    required: true,
    doc: 'Base URL of the kubelet, `https://…:10250` (`http://…:10255` only with `--kubelet-read-only-port`); `$NAME` and `${NAME}` are taken from the environment.',
  }),
  jwtEndpoint: setting(url({ protocols: ['https'] }), {
    env: 'JWT_ENDPOINT',
    required: true,
    doc: 'Base URL of the JWT service with its version path, `https://…:4443/v1`.',
  }),
  jwtServerName: setting(name, {
    doc: "Name that the JWT service's certificate must carry, when it is not the host of its URL.",
  }),
  podServiceTimeout: setting(duration({ min: '100ms' }), {
    env: 'POD_TIMEOUT',
    default: '10s',
    doc: 'Longest call of the kubelet.',
  }),
  jwtServiceTimeout: setting(duration({ min: '100ms' }), {
    env: 'JWT_TIMEOUT',
    default: '10s',
    doc: 'Longest call of the JWT service.',
  }),
  ztsTimeout: setting(duration({ min: '100ms' }), { default: '20s', doc: 'Longest call of ZTS.' }),
  podIpTimeout: setting(duration({ max: '5m' }), { default: '30s', doc: "Longest wait for a pod's address." }),
  driverSource: setting(path, {
    env: 'DRIVER_SOURCE',
    default: '/usr/bin/athenz-volume-driver',
    doc: 'Volume driver to install on the host.',
  }),
  driverTarget: setting(text, {
    env: 'DRIVER_TARGET',
    default: '/drivers/athenz-volume-driver',
    doc: 'Where the kubelet looks for the driver; empty: it is not installed.',
  }),
  volumesDir: setting(path, { default: '/var/athenz/volumes', doc: 'The volume tree that the driver makes.' }),
  procRoot: setting(path, {
    default: '/proc',
    doc: 'Where `<pid>/cgroup` is read. Anything but procfs weakens attestation, which the agent announces.',
  }),
  requirePidfd: setting(flag, {
    default: 'false',
    doc: 'Stay unready on a kernel that cannot pin a peer (before 6.5).',
  }),
  cgroupPrefix: setting(text, {
    default: '',
    doc: 'Cgroup that holds the `kubepods` of this node, where that is not at the top and the agent is in no pod itself.',
  }),
  attestation: setting(oneOf('peer', 'handle-only'), {
    default: 'peer',
    doc: '`peer`: listener and kernel must agree. `handle-only`: the listener alone, where no host PID is allowed; weaker.',
  }),
  kubeletTokenFile: setting(path, {
    default: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    doc: 'Bearer token for the kubelet, read again as it is renewed.',
  }),
  kubeletReadOnlyPort: setting(flag, {
    default: 'false',
    doc: "Believe the kubelet's read-only port, `http://…:10255` on this node: nothing proves who answers there; much weaker.",
  }),
  kubeletCa: setting(path, { doc: 'PEM roots of the kubelet; without it the kubelet must be on a loopback address.' }),
  nodeName: setting(text, {
    doc: "Name of this node: the kubelet's certificate must carry it where its address is a loopback one.",
  }),
  certificateLife: setting(duration({ min: '10m' }), { default: '24h', doc: 'Life to ask ZTS for.' }),
  issueInterval: setting(duration({ min: '100ms', max: '1h' }), {
    default: '1m',
    doc: 'After 30 identities in a row a pod may ask for one in so long; shorter only for pods that renew more often.',
  }),
  ...clusterConfigSetting,
  ...apiSettings,
  ...serverSettings,
}

export const program = define({
  name: 'athenz-identity-agent',
  envPrefix: 'IDENTITY_AGENT',
  summary: 'Attests the pods of this node and gets them their Athenz identity.',
  schema,
  check: ({ listen, isolation, attestation, volumesDir, driverTarget, procRoot, cgroupPrefix, ...own }) =>
    [
      rule(
        isOneForm(own),
        '--identity-token-file or --key (KEY_FILE) and --cert (CERT_FILE) are required, and not both: the agent needs one identity of its own',
      ),
      rule(isAbsolute(own.identityDir), '--identity-dir must be an absolute path'),
      rule(listen?.kind !== 'tcp', '--listen must be unix://: over tcp the kernel knows no caller'),
      rule(
        isolation === 'per-workload' || attestation === 'peer',
        '--isolation shared needs --attestation peer: with handle-only nothing says who is calling on a shared socket',
      ),
      rule(fitsSocket(volumesDir), `--volumes-dir must be at most ${LONGEST_VOLUMES_DIR} bytes: sockets lie below it`),
      rule(isAbsolute(volumesDir), '--volumes-dir must be an absolute path'),
      rule(isAbsolute(procRoot), '--proc-root must be an absolute path'),
      rule(cgroupPrefix === '' || isAbsolute(cgroupPrefix), '--cgroup-prefix must be an absolute path, or empty'),
      rule(driverTarget === '' || isAbsolute(driverTarget), '--driver-target must be an absolute path, or empty'),
    ].flat(),
})

export type IdentityAgentSettings = SettingsOf<typeof program>

/** Below it comes `/<handle>/mount/connect/agent.sock`. */
const LONGEST_VOLUMES_DIR = SOCKET_PATH_LIMIT - (1 + 43 + '/mount/connect/agent.sock'.length)

const fitsSocket = (path: string): boolean => new TextEncoder().encode(path).length <= LONGEST_VOLUMES_DIR
const isOneForm = ({ identityTokenFile, key, cert }: Partial<Record<'identityTokenFile' | 'key' | 'cert', string | undefined>>): boolean =>
  (key === undefined) === (cert === undefined) && (identityTokenFile === undefined) !== (key === undefined)
const isAbsolute = (path: string): boolean => path.startsWith('/')
const rule = (kept: boolean, otherwise: string): readonly string[] => (kept ? [] : [otherwise])
