/** What a client that is not ours would meet: paths, bodies and queries that the product never sends. */
import { Pool } from 'undici'
import { expect, test } from 'vitest'
import { loopbackCredentials } from '../loopback-credentials.ts'
import { startEmbeddedApiServer } from './index.ts'

const serverCredentials = await loopbackCredentials()

async function open() {
  await using scope = new AsyncDisposableStack()
  const server = scope.use(await startEmbeddedApiServer({ serverCredentials }))
  const pool = scope.adopt(new Pool(server.url, { connect: { ca: server.caPem }, allowH2: false }), (it) =>
    it.destroy(),
  )
  const authorization = `Bearer ${server.tokenFor('admin')}`
  const send = async (method: string, path: string, body?: string, type = 'application/json') => {
    const headers = { authorization, ...(body === undefined ? {} : { 'content-type': type }) }
    const answer = await pool.request({ method, path, headers, body: body ?? null })
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
  }
  const parts = scope.move()
  return { send, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

test.each([
  ['an unknown path', 'GET', '/nowhere', 404, 'NotFound'],
  ['an unknown group', 'GET', '/apis/example.com/v1/pods', 404, 'NotFound'],
  ['a core kind in another version', 'GET', '/api/v2/pods', 404, 'NotFound'],
  ['a subresource that there is not', 'GET', `${CONFIG_MAPS}/a/status`, 404, 'NotFound'],
  ['a name of a namespaced kind without namespace', 'GET', '/api/v1/pods/web', 404, 'NotFound'],
  ['a node in a namespace', 'GET', '/api/v1/namespaces/default/nodes/node-1', 404, 'NotFound'],
  ['a badly escaped path', 'GET', '/api/v1/namespaces/%zz/pods', 404, 'NotFound'],
  ['deleting a collection', 'DELETE', CONFIG_MAPS, 405, 'MethodNotAllowed'],
  ['a method of no meaning', 'OPTIONS', `${CONFIG_MAPS}/a`, 405, 'MethodNotAllowed'],
  ['a field selector on an unknown field', 'GET', `${CONFIG_MAPS}?fieldSelector=spec.color%3Dred`, 400, 'BadRequest'],
  ['a label selector that cannot be read', 'GET', `${CONFIG_MAPS}?labelSelector=a%3D%3D%3Db`, 400, 'BadRequest'],
  ['a limit that is no number', 'GET', `${CONFIG_MAPS}?limit=many`, 400, 'BadRequest'],
  ['a continue token of nobody', 'GET', `${CONFIG_MAPS}?continue=xyz`, 400, 'BadRequest'],
  [
    'a continue token that is too old',
    'GET',
    `${CONFIG_MAPS}?continue=00000000-0000-0000-0000-000000000000`,
    410,
    'Expired',
  ],
  ['a watch from no version', 'GET', `${CONFIG_MAPS}?watch=true&resourceVersion=abc`, 400, 'BadRequest'],
])('%s is refused', async (_name, method, path, status, reason) => {
  await using it = await open()
  expect(await it.send(method, path)).toMatchObject({
    status,
    body: { kind: 'Status', status: 'Failure', reason, code: status },
  })
})

test.each([
  ['a body that is no json', '{', 'application/json', 400],
  ['a body in yaml', 'kind: ConfigMap', 'application/yaml', 415],
  [
    'a body too large',
    JSON.stringify({ metadata: { name: 'a' }, data: { a: 'x'.repeat(3 * 1024 * 1024) } }),
    'application/json',
    413,
  ],
  ['an object of another kind', '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}', 'application/json', 400],
  ['an object of another namespace', '{"metadata":{"name":"a","namespace":"kube-system"}}', 'application/json', 400],
  ['an object with a version', '{"metadata":{"name":"a","resourceVersion":"5"}}', 'application/json', 400],
  ['an object without name', '{"metadata":{}}', 'application/json', 422],
  ['an object with a label that is none', '{"metadata":{"name":"a","labels":{"a":"!"}}}', 'application/json', 422],
])('%s is not created', async (_name, body, type, status) => {
  await using it = await open()
  expect(await it.send('POST', CONFIG_MAPS, body, type)).toMatchObject({ status })
})

test.each([
  ['a strategic merge', 'application/strategic-merge-patch+json', '{}', 415],
  ['an apply', 'application/apply-patch+yaml', '{}', 415],
  ['a json patch that is no list', 'application/json-patch+json', '{}', 400],
  ['a test that does not hold', 'application/json-patch+json', '[{"op":"test","path":"/data","value":{}}]', 422],
  [
    'a path that is not there',
    'application/json-patch+json',
    '[{"op":"replace","path":"/data/none/x","value":"1"}]',
    422,
  ],
  ['a patch of the prototype', 'application/json-patch+json', '[{"op":"add","path":"/__proto__/x","value":"1"}]', 422],
  ['another uid', 'application/merge-patch+json', '{"metadata":{"uid":"another"}}', 422],
  [
    'a version that is over',
    'application/merge-patch+json',
    '{"metadata":{"resourceVersion":"1"},"data":{"b":"2"}}',
    409,
  ],
])('%s changes nothing', async (_name, type, patch, status) => {
  await using it = await open()
  const made = await it.send('POST', CONFIG_MAPS, '{"metadata":{"name":"a"},"data":{"a":"1"}}')
  expect(await it.send('PATCH', `${CONFIG_MAPS}/a`, patch, type)).toMatchObject({ status })
  expect((await it.send('GET', `${CONFIG_MAPS}/a`)).body).toEqual(made.body)
})

test('a dry run makes nothing', async () => {
  await using it = await open()
  const made = await it.send('POST', `${CONFIG_MAPS}?dryRun=All`, '{"metadata":{"name":"a"}}')
  expect(made).toMatchObject({ status: 201, body: { metadata: { name: 'a' } } })
  expect(await it.send('GET', `${CONFIG_MAPS}/a`)).toMatchObject({ status: 404 })
})

test('a namespace comes with its default account and the roots of the server', async () => {
  await using it = await open()
  const roots = await it.send('GET', `${CONFIG_MAPS}/kube-root-ca.crt`)
  expect(roots.body['data']).toEqual({ 'ca.crt': serverCredentials.caPem })
  expect(await it.send('GET', '/api/v1/namespaces/default/serviceaccounts/default')).toMatchObject({ status: 200 })
  expect(await it.send('GET', '/api/v1/namespaces/default')).toMatchObject({
    body: { metadata: { labels: { 'kubernetes.io/metadata.name': 'default' } } },
  })
})
