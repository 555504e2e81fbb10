/** Ways in which a launch must fail at the agent and at the door of the cluster, each with its reason, and without a trace. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CsrNames } from '@pallas/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askedOfZts } from '../asked-zts.ts'
import { csrFor, csrWithBrokenSignature } from '../csr.ts'
import type { PodObject } from '../pod-object.ts'
import { handleOf, launch, logged, request, serialOf } from '../pods.ts'
import type { World } from '../world.ts'
import { refusedPods } from './refused-pods.ts'

export interface RefusalScene<W> {
  readonly it: W
  readonly web: PodObject
  readonly orders: PodObject
  /** Of `web`. */
  readonly handle: string
  /** What a refused caller must not have moved: no call of ZTS, no document, nothing in any volume or on record. */
  readonly traces: () => Promise<object>
}

/** `own`: what more is tested on the socket of `web`, in this world. */
export function describeRefusals<W extends World>(name: string, open: () => Promise<W>, own: (scene: () => RefusalScene<W>) => void = () => undefined): void {
  describe(`${name}: refusals`, () => {
    let it: W
    let scene: RefusalScene<W>
    let names: CsrNames
    let serials: readonly string[]

    beforeAll(async () => {
      it = await open()
      const web = await launch(it, request(it, 'web-0'))
      const orders = await launch(it, request(it, 'orders-0', { serviceAccount: 'orders' }))
      const handle = handleOf(it, web)
      scene = { it, web, orders, handle, traces: () => tracesOf(it, web) }
      serials = [web, orders].map((pod) => serialOf(it, pod))
      names = (await it.node.ask(web, { method: 'GET', path: `/v1/names/${handle}` })).body as unknown as CsrNames
    })
    afterAll(() => it[Symbol.asyncDispose]())

    describe('on the socket of a volume', () => {
      socketRefusals(() => scene)
      own(() => scene)
    })
    describe('a CSR', () => csrRefusals(() => ({ ...scene, names })))
    describe('a pod', () => refusedPods(() => it))

    test('after all of this the pods hold the credentials that they had', () => {
      expect([scene.web, scene.orders].map((pod) => serialOf(it, pod))).toEqual(serials)
    })
  })
}

async function tracesOf(it: World, web: PodObject): Promise<object> {
  const { volumesDir } = it.node
  return {
    zts: (await askedOfZts(it)).length,
    documents: (await it.programs.records('jwt-service')).filter(({ record }) => record['msg'] === 'document signed').length,
    volumes: new Set(readdirSync(volumesDir, { recursive: true, encoding: 'utf8' })),
    records: readdirSync(volumesDir).map((tree) => readContext(join(volumesDir, tree))),
    serial: serialOf(it, web),
  }
}

/** Nothing of a volume in which nobody asked for an identity yet. */
function readContext(tree: string): string {
  const path = join(tree, 'context.json')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function socketRefusals(scene: () => RefusalScene<World>): void {
  test('a pod that presents the handle of another on its own socket is refused (T01, W4)', async () => {
    const { it, web, orders, traces } = scene()
    const before = await traces()
    const argv = [...it.workloads.command('intrude'), '/identity/connect/agent.sock', handleOf(it, orders)]
    const { output } = await it.node.exec(web.metadata, 'main', argv)
    expect(JSON.parse(output)).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
    const { record } = await logged(it, 'identity-agent', 'HANDLE_PEER_MISMATCH')
    expect(record).toMatchObject({ pod: 'shop/orders-0' })
    expect(await traces()).toEqual(before)
  })

  test('a process of another pod cannot reach it, or is refused where it can', async () => {
    const { it, orders, handle, traces } = scene()
    const before = await traces()
    const argv = [...it.workloads.command('intrude'), join(it.node.volumesDir, handle, 'mount/connect/agent.sock'), handle]
    const { output } = await it.node.exec(orders.metadata, 'main', argv)
    const refused = { status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } }
    const unreachable = { error: expect.stringContaining('ENOENT') as string }
    expect(JSON.parse(output)).toMatchObject(it.node.isolated ? unreachable : refused)
    expect(await traces()).toEqual(before)
  })

  test.each([
    ['with an encoded way up', 'POST', (it: string) => `/v1/init/${it}%2F..`, 400, 'HANDLE_INVALID'],
    ['that is encoded', 'POST', (it: string) => `/v1/init/%${it.charCodeAt(0).toString(16)}${it.slice(1)}`, 400, 'HANDLE_INVALID'],
    ['one too short', 'POST', (it: string) => `/v1/init/${it.slice(1)}`, 400, 'HANDLE_INVALID'],
    ['one too long', 'POST', (it: string) => `/v1/init/${it}A`, 400, 'HANDLE_INVALID'],
    ['that leads elsewhere', 'POST', () => '/v1/init/../../../etc/passwd', 400, 'HANDLE_INVALID'],
    ['with a question', 'POST', (it: string) => `/v1/init/${it}?x=1`, 400, 'HANDLE_INVALID'],
    ['of nobody', 'POST', () => `/v1/init/${'A'.repeat(43)}`, 403, 'HANDLE_UNKNOWN'],
    ['asked for with another verb', 'GET', (it: string) => `/v1/init/${it}`, 404, 'ROUTE_UNKNOWN'],
    ['on an unknown path', 'POST', (it: string) => `/v1/keys/${it}`, 404, 'ROUTE_UNKNOWN'],
  ] as const)('a handle %s is refused before anything is touched', async (_form, method, path, status, code) => {
    const { it, web, handle, traces } = scene()
    const before = await traces()
    expect(await it.node.ask(web, { method, path: path(handle) })).toMatchObject({ status, body: { code } })
    expect(await traces()).toEqual(before)
  })
}

function csrRefusals(scene: () => RefusalScene<World> & { readonly names: CsrNames }): void {
  test.each([
    ['one more DNS name', (it: CsrNames) => ({ ...it, dns: [...it.dns, 'orders.shop.svc.cluster.local'] })],
    ['a wildcard', (it: CsrNames) => ({ ...it, dns: [...it.dns, '*.web.shop.svc.cluster.local'] })],
    ['a DNS name missing', (it: CsrNames) => ({ ...it, dns: it.dns.slice(1) })],
    ['another address', (it: CsrNames) => ({ ...it, ip: ['127.88.0.250'] })],
    ['another URI', (it: CsrNames) => ({ ...it, uri: ['spiffe://shop/sa/orders'] })],
    ['another subject', (it: CsrNames) => ({ ...it, commonName: 'shop.orders' })],
  ])('with %s is a conflict, and is shown to nobody', async (_what, change) => {
    const { it, web, handle, names, traces } = scene()
    const before = await traces()
    const csr = await csrFor(change(names))
    for (const action of ['init', 'refresh']) {
      const answer = await it.node.ask(web, { method: 'POST', path: `/v1/${action}/${handle}`, body: { csr } })
      expect(answer).toMatchObject({ status: 409, body: { code: 'CSR_NAMES_CHANGED' } })
    }
    expect(await traces()).toEqual(before)
  })

  test('that its key did not sign is no CSR', async () => {
    const { it, web, handle, names, traces } = scene()
    const before = await traces()
    const csr = await csrWithBrokenSignature(names)
    const answer = await it.node.ask(web, { method: 'POST', path: `/v1/init/${handle}`, body: { csr } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'CSR_INVALID' } })
    expect(await traces()).toEqual(before)
  })

  test('with the right names, by hand, is served: the refusals above are not for want of a way', async () => {
    const { it, web, handle, names } = scene()
    const answer = await it.node.ask(web, { method: 'POST', path: `/v1/init/${handle}`, body: { csr: await csrFor(names) } })
    expect(answer).toMatchObject({ status: 200, body: { certPEM: expect.any(String) as string } })
    expect(answer.body['keyPEM']).toBeUndefined()
  })
}
