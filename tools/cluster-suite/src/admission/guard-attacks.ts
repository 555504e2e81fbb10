/** What whoever has the initializer's token would do to its webhook configuration, and what the initializer itself does. */
type Patch = readonly { readonly op: 'add' | 'replace' | 'remove'; readonly path: string; readonly value?: unknown }[]

const EVERYTHING = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], scope: '*' }]
const CA = Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64')
const of = (path: string, value: unknown): Patch => [{ op: 'add', path: `/webhooks/0/${path}`, value }]

const another = (name: string) => ({
  name,
  clientConfig: { url: 'https://attacker.example/' },
  rules: EVERYTHING,
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
})

export const OWN_ADDRESS: Patch = [{ op: 'remove', path: '/webhooks/0/clientConfig/service' }, ...of('clientConfig/url', 'https://attacker.example/')]

export const REFUSED: readonly (readonly [string, Patch])[] = [
  ['an address of its own', OWN_ADDRESS],
  ['another Service', of('clientConfig/service/name', 'attacker')],
  ['another path of the Service', of('clientConfig/service/path', '/other')],
  ['another port of the Service', of('clientConfig/service/port', 6443)],
  ['rules for everything', of('rules', EVERYTHING)],
  ['one more rule', of('rules/-', EVERYTHING[0])],
  ['no selector of namespaces', of('namespaceSelector', {})],
  ['a selector of objects', of('objectSelector', { matchLabels: { a: 'b' } })],
  ['no conditions', [{ op: 'remove', path: '/webhooks/0/matchConditions' }]],
  ['another condition', of('matchConditions/0/expression', 'true')],
  ['another failure policy', of('failurePolicy', 'Ignore')],
  ['another match policy', of('matchPolicy', 'Exact')],
  ['another reinvocation policy', of('reinvocationPolicy', 'Never')],
  ['another deadline', of('timeoutSeconds', 30)],
  ['side effects', of('sideEffects', 'NoneOnDryRun')],
  ['other versions of reviews', of('admissionReviewVersions', ['v1', 'v1beta1'])],
  ['another name', of('name', 'other.example.org')],
  ['one more webhook', [{ op: 'add', path: '/webhooks/-', value: another('z.attacker.example') }]],
  ['one more webhook, before it', [{ op: 'add', path: '/webhooks/0', value: another('a.attacker.example') }]],
  ['no webhook', [{ op: 'remove', path: '/webhooks/0' }]],
  ['a label', [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }]],
  ['an annotation', [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }]],
  ['a finalizer', [{ op: 'add', path: '/metadata/finalizers', value: ['attacker.example/never'] }]],
  ['an owner', [{ op: 'add', path: '/metadata/ownerReferences', value: [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }] }]],
  ['its bundle, and rules along with it', [...of('clientConfig/caBundle', CA), ...of('rules', EVERYTHING)]],
]
