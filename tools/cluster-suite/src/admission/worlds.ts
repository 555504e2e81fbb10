/** The two ways of injecting at a real API server, as the contract of admission wants them. */
import { readProgram } from '@pallas/config'
import { policyProgram, renderPolicy } from '@pallas/initializer'
import { type AdmissionWorld, initConfig, makePod, namesIn } from '@pallas/initializer/testing/contract'
import { allowReview } from '@pallas/kubernetes'
import { startTestWebhook } from '@pallas/kubernetes/testing'
import { eventually } from '@pallas/suite'
import { parseAllDocuments } from 'yaml'
import { apply, kubectl } from '../kubectl.ts'
import { type AdmissionHome, type InjectionOptions, onlyIn, openAdmissionHome, openRealWebhook, registerWebhook, TRIGGER } from './replicas.ts'

export async function openWebhookWorld(options: InjectionOptions): Promise<AdmissionWorld> {
  await using scope = new AsyncDisposableStack()
  const home = scope.use(await openAdmissionHome())
  const webhook = scope.use(await openRealWebhook(home, options))
  await webhook.start('web-a')
  await isInForce(worldOf(home, scope))
  return worldOf(home, scope.move())
}

export async function openPolicyWorld(options: InjectionOptions): Promise<AdmissionWorld> {
  await using scope = new AsyncDisposableStack()
  const home = scope.use(await openAdmissionHome())
  const policies = policiesFor(home, options)
  scope.defer(async () => void (await kubectl(['delete', '--ignore-not-found', '-f', '-'], { input: listOf(policies) })))
  await apply(policies)
  await isInForce(worldOf(home, scope))
  return worldOf(home, scope.move())
}

interface Policy {
  readonly spec: { readonly matchConstraints?: object }
  readonly [field: string]: unknown
}

/** What the program renders, for one namespace. */
function policiesFor({ name, namespace }: AdmissionHome, { hostNetwork, settings: common = {}, templates = {} }: InjectionOptions): object[] {
  const file = { templates: '-', policyName: name, hostNetwork, ...common }
  const reading = readProgram(policyProgram, { argv: [], env: {}, version: '', file })
  if (reading.kind === 'print') throw new Error('not meant to print')
  const { templates: _file, ...settings } = reading.settings
  const rendered = parseAllDocuments(renderPolicy(initConfig({ annotationTrigger: TRIGGER, ...templates }), settings)).map((document) => document.toJS() as Policy)
  return rendered.map(({ spec, ...rest }) => {
    const constraints = spec.matchConstraints === undefined ? {} : { matchConstraints: { ...spec.matchConstraints, namespaceSelector: onlyIn(namespace) } }
    return { ...rest, spec: { ...spec, ...constraints } }
  })
}

const listOf = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

function worldOf(home: AdmissionHome, scope: AsyncDisposableStack): AdmissionWorld {
  const { admin, namespace } = home
  const world = { admin, namespace, trigger: TRIGGER, [Symbol.asyncDispose]: () => scope.disposeAsync() }
  const reorder = () => openOther({ ...world, reorder }, home)
  return { ...world, reorder }
}

const OTHER = { name: 'other-init', image: 'images.test/other:1' }

/** Another webhook, called after ours by its name. Resolves when it is in force; its end, when it no longer is. */
async function openOther(world: AdmissionWorld, home: AdmissionHome): Promise<AsyncDisposable> {
  await using scope = new AsyncDisposableStack()
  const patch = [{ op: 'add', path: '/spec/initContainers/0', value: OTHER }] as const
  const webhook = scope.use(await startTestWebhook((request) => allowReview(request, { patch: JSON.stringify(request.object).includes(OTHER.name) ? [] : patch })))
  const other = { ...home, name: `z-${home.name}` }
  const clientConfig = { url: webhook.url, caBundle: webhook.caBundle }
  const meets = (isThere: boolean) =>
    eventually(isThere ? 'the other injector is in force' : 'the other injector is gone', async () => {
      const outcome = await makePod(world).catch(() => undefined)
      return outcome?.kind === 'made' && namesIn(outcome.spec.initContainers).includes(OTHER.name) === isThere ? true : undefined
    })
  scope.defer(async () => void (await meets(false)))
  scope.use(await registerWebhook(other, clientConfig, { name: `other.${home.name}.test` }))
  await meets(true)
  const parts = scope.move()
  return { [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** An API server takes a second or two to know of what was made. */
async function isInForce(world: AdmissionWorld): Promise<void> {
  const collides = { volumes: [{ name: 'sia-identity', emptyDir: {} }] }
  await eventually('pods are injected', async () => {
    const outcome = await makePod(world).catch(() => undefined)
    return outcome?.kind === 'made' && namesIn(outcome.spec.initContainers).includes('sia-init') ? true : undefined
  })
  await eventually('look-alikes are refused', async () => ((await makePod(world, { spec: collides })).kind === 'refused' ? true : undefined))
}
