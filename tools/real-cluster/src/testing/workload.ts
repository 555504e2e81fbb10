/** Pods of every kind that leaves something on a node: mounts, cgroups, namespaces of the user, files in a host path. */
import { expect } from 'vitest'
import { BUSYBOX_IMAGE } from '../images.ts'
import { kubectlOutput } from '../kubectl.ts'
import { until } from '../until.ts'

const container = (name: string, script: string, more: object = {}) => ({
  name,
  image: BUSYBOX_IMAGE,
  imagePullPolicy: 'Never',
  command: ['sh', '-c', `${script}; exec sleep 3600`],
  ...more,
})

const pod = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'proof' } },
  spec: { terminationGracePeriodSeconds: 1, ...spec },
})

const WORKLOAD = [
  pod('plain', {
    containers: [container('main', 'true', { volumeMounts: [{ name: 'memory', mountPath: '/memory' }] })],
    volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
  }),
  pod('own-users', { hostUsers: false, containers: [container('main', 'true')] }),
  pod('host', {
    hostNetwork: true,
    hostPID: true,
    containers: [
      container('main', 'mkdir /var/athenz/made && mount -t tmpfs none /var/athenz/made && touch /var/athenz/made/file', {
        securityContext: { privileged: true },
        volumeMounts: [{ name: 'athenz', mountPath: '/var/athenz', mountPropagation: 'Bidirectional' }],
      }),
    ],
    volumes: [{ name: 'athenz', hostPath: { path: '/var/athenz' } }],
  }),
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'proof' }, spec: { clusterIP: 'None', selector: { app: 'proof' } } },
]

/** Runs the pods until all are Ready, and asks the cluster's DNS for them: it works for its users. */
export async function runWorkload(): Promise<void> {
  await kubectlOutput(['create', '--filename', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: WORKLOAD }) })
  await kubectlOutput(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s'])
  const addresses = (await kubectlOutput(['get', 'pod', 'plain', 'own-users', '--output', 'jsonpath={.items[*].status.podIP}'])).split(' ')
  expect(addresses).toHaveLength(2)
  const known = async (): Promise<boolean> => {
    const answer = await kubectlOutput(['exec', 'plain', '--', 'nslookup', 'proof.default.svc.cluster.local'])
    return addresses.every((address) => answer.includes(`Address: ${address}\n`))
  }
  await until(known, { what: 'the names of the pods', deadlineMs: 10_000 })
}
