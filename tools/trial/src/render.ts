/** `deploy/overlays/trial` with its keys and the plugin directory, as one stream of manifests: what kustomize makes of it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { parseAllDocuments, stringify } from 'yaml'
import type { Kubectl } from './kubectl.ts'
import type { Files, Material } from './material.ts'
import { ADMIN_NAMESPACE, EXAMPLE, LABEL } from './names.ts'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> }
}

export interface Rendered {
  /** Control plane, agents, ZTS. */
  readonly suite: readonly Manifest[]
  /** Pods that show an identity: they need the webhook, and so come after it. */
  readonly example: readonly Manifest[]
}

export interface RenderOptions {
  readonly material: Material
  /** Of the kubelets; undefined: the usual one. */
  readonly pluginDir: string | undefined
  readonly kubectl: Kubectl
}

/** The keys lie in a directory of this user alone while kustomize runs, and nowhere afterwards. */
export async function render({ material, pluginDir, kubectl }: RenderOptions): Promise<Rendered> {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'athenz-trial-'))
  try {
    writeFileSync(join(dir, 'kustomization.yaml'), stringify(kustomization(dir, material, pluginDir)))
    for (const [name, files] of Object.entries({ ...material.secrets, ...material.configMaps })) writeFiles(join(dir, name), files)
    return split(await kubectl(['kustomize', dir]))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function writeFiles(dir: string, files: Files): void {
  mkdirSync(dir, { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
}

const generators = (all: Readonly<Record<string, Files>>): object[] =>
  Object.entries(all).map(([name, files]) => ({
    name,
    namespace: ADMIN_NAMESPACE,
    files: Object.keys(files).map((file) => `${file}=${name}/${file}`),
  }))

function kustomization(dir: string, { secrets, configMaps }: Material, pluginDir: string | undefined): object {
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(dir, join(REPOSITORY, 'deploy/overlays/trial'))],
    generatorOptions: { disableNameSuffixHash: true },
    secretGenerator: generators(secrets),
    configMapGenerator: generators(configMaps),
    labels: [{ pairs: { [LABEL.key]: LABEL.value } }],
    patches: pluginDir === undefined ? [] : [pluginDirPatch(pluginDir)],
  }
}

const pluginDirPatch = (pluginDir: string): object => ({
  target: { kind: 'DaemonSet', name: 'athenz-identity-agent' },
  patch: stringify({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'athenz-identity-agent' },
    spec: { template: { spec: { volumes: [{ name: 'driver-dir', hostPath: { path: pluginDir } }] } } },
  }),
})

/** Exported for its tests. */
export function split(text: string): Rendered {
  const all = parseAllDocuments(text).map((document) => document.toJS() as Manifest)
  return { suite: all.filter((it) => !isExample(it)), example: all.filter(isExample) }
}

const isExample = ({ kind, metadata: { name, namespace } }: Manifest): boolean =>
  namespace === EXAMPLE.namespace || (kind === 'Namespace' && name === EXAMPLE.namespace)

export const toYaml = (manifests: readonly Manifest[]): string => manifests.map((it) => `---\n${stringify(it)}`).join('')
