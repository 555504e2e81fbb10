import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { allowReview, denyReview, parseAdmissionReview } from './admission.ts'

interface Fact {
  readonly request: Readonly<Record<string, unknown>>
}
const fact = JSON.parse(await readFile(new URL('testdata/admission-review.json', import.meta.url), 'utf8')) as Fact

test('a review recorded from a real api server is read', () => {
  const { object, ...request } = parseAdmissionReview(fact)
  expect(request).toEqual({
    uid: '334b4d84-493e-4456-8f12-2bf12b010948',
    kind: { group: '', version: 'v1', name: 'Pod' },
    resource: { group: '', version: 'v1', name: 'pods' },
    subResource: '',
    name: 'whpod',
    namespace: 'default',
    operation: 'CREATE',
    dryRun: false,
    user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    oldObject: undefined,
  })
  expect(object).toMatchObject({ kind: 'Pod', metadata: { name: 'whpod' }, spec: { serviceAccountName: 'wh' } })
})

const withRequest = (other: object) => ({ ...fact, request: { ...fact.request, ...other } })

test('fields that nobody uses may be anything', () => {
  expect(parseAdmissionReview(withRequest({ options: 7, requestKind: [], extra: null }))).toBeDefined()
})

test.each([
  ['nothing', undefined, ''],
  ['a list', [fact], ''],
  ['another version', { ...fact, apiVersion: 'admission.k8s.io/v1beta1' }, 'apiVersion'],
  ['another kind', { ...fact, kind: 'Pod' }, 'kind'],
  ['an answer', { ...fact, request: undefined, response: {} }, 'request'],
  ['no uid', withRequest({ uid: '' }), 'request.uid'],
  ['a uid of another alphabet', withRequest({ uid: 'a\nb' }), 'request.uid'],
  ['a uid too long', withRequest({ uid: 'a'.repeat(129) }), 'request.uid'],
  ['an unknown operation', withRequest({ operation: 'create' }), 'request.operation'],
  ['no kind', withRequest({ kind: null }), 'request.kind.version'],
  ['a resource without plural', withRequest({ resource: { version: 'v1' } }), 'request.resource.resource'],
  ['a namespace that is a number', withRequest({ namespace: 1 }), 'request.namespace'],
  ['dryRun that is a text', withRequest({ dryRun: 'false' }), 'request.dryRun'],
  ['an object that is a text', withRequest({ object: 'pod' }), 'request.object'],
  ['groups that are no texts', withRequest({ userInfo: { groups: [1] } }), 'request.userInfo.groups'],
])('%s is no review', (_name, body, path) => {
  expect(() => parseAdmissionReview(body)).toThrow(
    expect.objectContaining({ code: 'KUBE_BAD_REVIEW', fields: { path } }),
  )
})

const request = { uid: 'u-1' }

test('a patch travels as base64 of its operations, and none travels without a type', () => {
  const patch = [{ op: 'add', path: '/metadata/annotations/é~1', value: '€' }] as const
  const { response } = allowReview(request, { patch })
  expect(response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
  expect(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8'))).toEqual(patch)
  expect(allowReview(request)).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u-1', allowed: true },
  })
})

test('warnings are cut where the api server would cut them', () => {
  expect(allowReview(request, { warnings: ['w'.repeat(200)] }).response.warnings).toEqual(['w'.repeat(120)])
})

test('a denial says why, with the status that the maker of the object gets', () => {
  const { response } = denyReview(request, { message: 'no', code: 422, reason: 'Invalid' })
  expect(response).toEqual({ uid: 'u-1', allowed: false, status: { code: 422, message: 'no', reason: 'Invalid' } })
})
