/** Everything below `deploy/`, judged by a real API server: strictly, and by Pod Security. Nothing of it is applied. */
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { eventually } from '@pallas/suite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { apply, kubectl, runKubectl } from './kubectl.ts'

interface PodSpec {
  readonly priorityClassName?: string
  readonly [field: string]: unknown
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: { readonly template?: { readonly spec: PodSpec } }
}

const NAMESPACE = 'suite-manifests'
const deploy = (path: string): string => join(REPOSITORY, 'deploy', path)

/** Every directory that kustomize takes; components, which only go with the FlexVolume, come to stand in an overlay of their own. */
const folders = globSync('**/kustomization.yaml', { cwd: deploy('.') }).map((path) => dirname(path)).toSorted()
const isComponent = (folder: string): boolean => /^kind: Component$/m.test(readFileSync(deploy(join(folder, 'kustomization.yaml')), 'utf8'))
/** As an administrator has it: with keys, and with whatever the own nodes need. */
let copy: string

beforeAll(async () => {
  copy = copyOfDeploy()
  await apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }])
  await eventually('the account of the namespace', async () => (await runKubectl(['get', 'serviceaccount', 'default', `--namespace=${NAMESPACE}`])).exitCode === 0 || undefined)
})
afterAll(async () => {
  rmSync(copy, { recursive: true })
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait', '--timeout=60s'], { deadlineMs: 70_000 })
})

const manifestsOf = (text: string): Manifest[] => parseAllDocuments(text).map((document) => document.toJS() as Manifest)
const rendered = async (overlay: string): Promise<Manifest[]> => manifestsOf(await kubectl(['kustomize', join(copy, placeOf(overlay))]))
const title = ({ kind, metadata: { name } }: Manifest): string => `${kind} ${name}`

const placeOf = (folder: string): string => (isComponent(folder) ? `overlays/with-${basename(folder)}` : folder)

function copyOfDeploy(): string {
  mkdirSync(join(REPOSITORY, 'build'), { recursive: true })
  const to = mkdtempSync(join(REPOSITORY, 'build/.suite-manifests-'))
  cpSync(deploy('.'), to, { recursive: true })
  for (const folder of folders.filter(isComponent)) {
    write(join(to, placeOf(folder), 'kustomization.yaml'), `resources: [../flexvolume]\ncomponents: [../../${folder}]\n`)
  }
  const example = readFileSync(deploy('example/cluster/kustomization.yaml'), 'utf8')
  for (const file of example.match(KEY_FILE) ?? []) write(join(to, 'example/cluster', file), 'no key\n')
  return to
}

const KEY_FILE = /\bkeys\/[\w./-]+\w/g

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** As it stands, but in the namespace of this test: those of the suite need not be there. */
const moved = (manifest: Manifest): Manifest =>
  manifest.metadata.namespace === undefined ? manifest : { ...manifest, metadata: { ...manifest.metadata, namespace: NAMESPACE } }

/** Overlays have most of their manifests in common: what was found right is right. */
const judgedRight = new Set<string>()

/** What the API server has against each, if anything. */
async function complaintsAbout(manifests: readonly Manifest[]): Promise<string[]> {
  const complaints: string[] = []
  for (const manifest of manifests) {
    const input = JSON.stringify(moved(manifest))
    if (judgedRight.has(input)) continue
    const args = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '--filename=-']
    const { exitCode, stderr } = await runKubectl(args, { input })
    if (exitCode === 0) judgedRight.add(input)
    else complaints.push(`${title(manifest)}: ${stderr.trim()}`)
  }
  return complaints
}

test('nothing that kustomize takes is left out', () => {
  expect(folders).toEqual(expect.arrayContaining(['base', 'example/cluster', 'overlays/flexvolume', 'overlays/flexvolume/plugin-dirs/gke', 'overlays/policy', 'overlays/trial', 'uninstall']))
})

test.each(folders)('deploy/%s passes the strict validation of the API server', async (overlay) => {
  const manifests = await rendered(overlay)
  expect(manifests.length).toBeGreaterThan(0)
  expect(await complaintsAbout(manifests)).toEqual([])
})

test.each(['deployment', 'statefulset', 'job', 'pod', 'pod-with-role', 'cluster/callback-for-zts'])('deploy/example/%s.yaml passes it too', async (name) => {
  const text = await kubectl(['create', '--dry-run=client', '--output=json', '--filename', deploy(`example/${name}.yaml`)])
  expect(text).not.toBe('')
  const { exitCode, stderr } = await runKubectl(['apply', '--dry-run=server', '--validate=strict', '--filename=-'], { input: inNamespace(text) })
  // A pod of its own needs the ServiceAccount that its namespace would have, and is held to `restricted` here.
  expect(exitCode === 0 ? '' : stderr).toMatch(/^$|serviceaccount "web" not found|violates PodSecurity "restricted/)
})

/** `kubectl create -o json` writes one object after the other. */
const inNamespace = (text: string): string => text.replaceAll(/"namespace": "(shop|athenz-trial|k8s-admin)"/g, `"namespace": "${NAMESPACE}"`)

test('strict means strict: a field that there is not is found', async () => {
  const [found] = await complaintsAbout([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'typo' }, dat: {} } as Manifest])
  expect(found).toMatch(/dat/)
})

async function podSecurityOf({ metadata: { name }, spec }: Manifest): Promise<string> {
  const { priorityClassName: _, ...pod } = spec?.template?.spec ?? {}
  const input = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE }, spec: { ...pod, serviceAccountName: 'default' } }
  const { exitCode, stderr } = await runKubectl(['create', '--dry-run=server', '--filename=-'], { input: JSON.stringify(input) })
  return exitCode === 0 ? 'accepted' : stderr
}

test('Pod Security takes every pod of the control plane as `restricted`, and refuses the one that sees the host', async () => {
  const workloads = (await rendered('overlays/trial')).filter(({ spec, metadata }) => spec?.template !== undefined && metadata.namespace === 'k8s-admin')
  expect(workloads.map(title).sort()).toEqual([
    'DaemonSet athenz-identity-agent',
    'Deployment athenz-callback',
    'Deployment athenz-initializer',
    'Deployment athenz-jwt-service',
    'Deployment athenz-trial-zts',
  ])
  for (const workload of workloads) {
    const verdict = await podSecurityOf(workload)
    if (workload.kind === 'Deployment') expect(verdict, title(workload)).toBe('accepted')
    else expect(verdict).toMatch(/violates PodSecurity "restricted:latest": host namespaces \(hostPID=true\)/)
  }
})
