/** etcd, the API server and its two controllers, on the addresses of the bridge; only etcd, which asks nobody who he is, is on loopback. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Programs } from './cache.ts'
import type { Daemon } from './daemons.ts'
import { API_ADDRESS, type Cluster, NODE_ADDRESS, PORTS, SERVICE_SUBNET } from './layout.ts'

const ETCD = `http://127.0.0.1:${PORTS.etcd}`
const ETCD_PEER = `http://127.0.0.1:${PORTS.etcdPeer}`

export function etcd({ stateDirectory }: Cluster, programs: Programs): Daemon {
  mkdirSync(join(stateDirectory, 'etcd'), { mode: 0o700 })
  return {
    name: 'etcd',
    argv: [
      programs.path('etcd'),
      `--data-dir=${join(stateDirectory, 'etcd')}`,
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      `--listen-peer-urls=${ETCD_PEER}`,
      `--initial-advertise-peer-urls=${ETCD_PEER}`,
      `--initial-cluster=default=${ETCD_PEER}`,
      // Nothing here outlives the machine.
      '--unsafe-no-fsync=true',
      '--log-level=warn',
    ],
    probe: { kind: 'http', url: `${ETCD}/health` },
    deadlineMs: 30_000,
  }
}

export function apiServer({ stateDirectory, apiServer }: Cluster, programs: Programs): Daemon {
  const pki = (name: string): string => join(stateDirectory, 'pki', name)
  return {
    name: 'kube-apiserver',
    argv: [
      programs.path('kube-apiserver'),
      `--etcd-servers=${ETCD}`,
      `--bind-address=${API_ADDRESS}`,
      '--secure-port=443',
      `--advertise-address=${API_ADDRESS}`,
      `--service-cluster-ip-range=${SERVICE_SUBNET}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
      `--kubelet-client-key=${pki('kubelet-client.key')}`,
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${pki('sa.pub')}`,
      `--service-account-signing-key-file=${pki('sa.key')}`,
      ...frontProxy(pki),
    ],
    probe: { kind: 'admin', url: `${apiServer}/readyz` },
    deadlineMs: 90_000,
  }
}

const frontProxy = (pki: (name: string) => string): string[] => [
  `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
  '--requestheader-allowed-names=front-proxy-client',
  '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  '--requestheader-group-headers=X-Remote-Group',
  '--requestheader-username-headers=X-Remote-User',
  `--proxy-client-cert-file=${pki('front-proxy-client.crt')}`,
  `--proxy-client-key-file=${pki('front-proxy-client.key')}`,
  // A webhook given by its Service is dialled at its endpoints: the Service's address would need a kube-proxy.
  '--enable-aggregator-routing=true',
]

export function controllerManager({ stateDirectory, flexVolumeDirectory }: Cluster, programs: Programs): Daemon {
  const pki = (name: string): string => join(stateDirectory, 'pki', name)
  return {
    name: 'kube-controller-manager',
    argv: [
      programs.path('kube-controller-manager'),
      `--kubeconfig=${join(stateDirectory, 'controller-manager.kubeconfig')}`,
      ...serving(stateDirectory, PORTS.controllerManager),
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${pki('sa.key')}`,
      `--root-ca-file=${pki('ca.crt')}`,
      `--cluster-signing-cert-file=${pki('ca.crt')}`,
      `--cluster-signing-key-file=${pki('ca.key')}`,
      `--flex-volume-plugin-dir=${flexVolumeDirectory}`,
      '--kube-api-qps=100',
      '--kube-api-burst=200',
    ],
    probe: { kind: 'admin', url: `https://${NODE_ADDRESS}:${PORTS.controllerManager}/healthz` },
    deadlineMs: 60_000,
  }
}

export function scheduler({ stateDirectory }: Cluster, programs: Programs): Daemon {
  return {
    name: 'kube-scheduler',
    argv: [
      programs.path('kube-scheduler'),
      `--kubeconfig=${join(stateDirectory, 'scheduler.kubeconfig')}`,
      ...serving(stateDirectory, PORTS.scheduler),
    ],
    probe: { kind: 'admin', url: `https://${NODE_ADDRESS}:${PORTS.scheduler}/healthz` },
    deadlineMs: 60_000,
  }
}

const serving = (stateDirectory: string, port: number): string[] => [
  `--bind-address=${NODE_ADDRESS}`,
  `--secure-port=${port}`,
  `--tls-cert-file=${join(stateDirectory, 'pki/controllers.crt')}`,
  `--tls-private-key-file=${join(stateDirectory, 'pki/controllers.key')}`,
  '--leader-elect=false',
]
