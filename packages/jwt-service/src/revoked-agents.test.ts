import { X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import { describe, expect, test } from 'vitest'
import { followRevocations } from './revoked-agents-list.ts'
import { askAs, bodyFor, call, type Opened, openService } from './testing/world.ts'

const FINGERPRINT = 'ab'.repeat(32)

describe('a list of revoked agents', () => {
  test.each([
    ['nothing', '', []],
    ['comments and blank lines', '# all is well\n\n  \n', []],
    ['a node, with a comment', 'node-1.example # stolen', ['node node-1.example']],
    ['lines as windows writes them', 'node-1\r\nnode-2\r\n', ['node node-1', 'node node-2']],
    ['a serial in hex', '0A3F', ['serial a3f']],
    ['a serial as openssl writes it', '0A:3F:00', ['serial a3f00']],
    ['a serial in decimal, which could be hex or a node too', '255', ['node 255', 'serial 255', 'serial ff']],
    ['a decimal serial of twenty octets', String(2n ** 160n - 1n), [`serial ${'f'.repeat(40)}`]],
    ['a fingerprint', FINGERPRINT, [`sha256 ${FINGERPRINT}`]],
    ['a fingerprint as openssl writes it', Array(32).fill('AB').join(':'), [`sha256 ${FINGERPRINT}`]],
    ['a serial in hex that says so', '0x4F3A22', ['serial 4f3a22']],
    ['a serial that says so', 'serial: 4f3a22', ['serial 4f3a22']],
    ['a serial that says so, with colons', 'serial:4F:3A:22', ['serial 4f3a22']],
    ['a fingerprint that says so', `sha256:${FINGERPRINT}`, [`sha256 ${FINGERPRINT}`]],
    ['a node that says so', 'node:4f3a22', ['node 4f3a22']],
  ])('may be %s (T23)', (_name, text, expected) => {
    const { entries, malformed } = followRevocations()(text)
    expect([...entries]).toEqual(expect.arrayContaining(expected))
    expect(malformed).toEqual([])
    if (expected.length === 0) expect(entries.size).toBe(0)
  })

  test.each([
    ['node:4f3a22', ['node 4f3a22']],
    ['node:255', ['node 255']],
    ['serial:255', ['serial 255', 'serial ff']],
    ['0x255', ['serial 255']],
  ])('with a word or 0x before it means that only: %s (T23)', (text, expected) => {
    expect([...followRevocations()(text).entries]).toEqual(expected)
  })

  test.each([['serial4f3a22'], ['serial-4f3a22'], ['4f3a22h'], ['sn4f3a22'], ['4f3a22bcx'], ['x4f3a22bc9911']])(
    'tells of a name that looks like a serial with something else around it: %s (T23)',
    (line) => {
      expect(followRevocations()(`node-1\n${line}\n`)).toMatchObject({ doubtful: [2], malformed: [] })
    },
  )

  test.each([['node-1'], ['node:serial4f3a22'], ['ip-10-0-0-1.ec2.internal'], ['i-0abcdef1234567890'], ['gke-pool-4f3a22bc-x1'], ['worker12'], ['4f3a22']])(
    'tells nothing of what nodes are called, or of what says what it is: %s',
    (line) => {
      expect(followRevocations()(line)).toMatchObject({ doubtful: [], malformed: [] })
    },
  )

  test.each([
    ['a name that no node has', 'Node_1'],
    ['two entries in a line', 'node-1 node-2'],
    ['half a fingerprint', 'a'.repeat(50)],
    ['more than a fingerprint', 'a'.repeat(65)],
    ['an empty label', 'node..example'],
    ['a label that ends in a hyphen', 'node-.example'],
    ['0x before what is not hex', '0xnode'],
    ['0x alone', '0x'],
    ['a serial that is none', 'serial:node-1'],
    ['a fingerprint that is short', `sha256:${'a'.repeat(62)}`],
    ['a node that is none', 'node:Node_1'],
    ['another word', 'cn:node-1'],
    ['something else', '{"nodes":[]}'],
  ])('at start may not hold %s', (_name, line) => {
    expect(() => followRevocations()(`node-1\n${line}\n`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', problems: ['--revoked-agents: line 2 is no node, serial or fingerprint'] }),
    )
  })

  test('with a slip lets nobody through: the old entries stay, the good new ones count (T23)', () => {
    const follow = followRevocations()
    follow('node-1\n')
    const slip = follow('node-2\nNODE_3\n')
    expect([[...slip.entries].toSorted(), slip.malformed]).toEqual([['node node-1', 'node node-2'], [2]])
    expect([...follow('node-2\n').entries]).toEqual(['node node-2'])
  })

  test.each([['', 'empty'], [' \n\n', 'blank'], ['# revoked agents of this cluster\n', 'cut after its heading']])(
    'that has lost all its entries without saying so counts for nothing: %j, %s (T23)',
    (text) => {
      const follow = followRevocations()
      follow('# revoked agents of this cluster\nnode-1\n')
      expect(() => follow(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
      expect([...follow('node-2\nNODE_3\n').entries].toSorted()).toEqual(['node node-1', 'node node-2'])
      expect(follow('# heading\n# nobody\n').entries.size).toBe(0)
      expect(follow('').entries.size).toBe(0)
    },
  )
})

const told = (it: Opened, message: string, times: number) =>
  expect.poll(() => it.log.records.filter(({ msg }) => msg === message).length, { timeout: 5_000 }).toBe(times)

const loaded = (it: Opened, times: number) => told(it, 'list of revoked agents loaded', times)

describe('a revoked agent', () => {
  test.each<[string, (cert: X509Certificate, serial: string) => string, readonly string[]]>([
    ['by the name of its node', () => 'node-1', ['node-1']],
    ['by its node, which its certificate names by an address only', () => 'node-1', ['one.example']],
    ['by the serial of its certificate', (_cert, serial) => serial, ['node-1']],
    ['by that serial in decimal', (_cert, serial) => String(BigInt(`0x${serial}`)), ['node-1']],
    ['by the fingerprint of its certificate', (cert) => cert.fingerprint256, ['node-1']],
  ])('is refused %s, also on a connection from before (T23)', async (_name, entryOf, dns) => {
    await using it = await openService({ revoked: '# nobody\n' })
    const pair = await it.agent(dns)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () => call(it, '/v1/jwt', bodyFor(it), { pair, agent })
    expect(await ask()).toMatchObject({ status: 200 })
    await it.replace('revoked', `${entryOf(new X509Certificate(pair.certPem), pair.serial)}\n`)
    await loaded(it, 2)
    expect(await ask()).toMatchObject({ status: 403, code: 'AGENT_REVOKED' })
    expect(await it.metrics.value('documents_total', { code: 'AGENT_REVOKED' })).toBe(1)
    expect(await it.metrics.value('revoked_agents_entries')).toBeGreaterThan(0)
    expect(await askAs(it, bodyFor(it, 2), ['node-2'])).toMatchObject({ status: 200 })
    agent.destroy()
  })

  test('is served again when its entry is gone (T23)', async () => {
    await using it = await openService({ revoked: 'node-1\n' })
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 403, code: 'AGENT_REVOKED' })
    await it.replace('revoked', '')
    await told(it, 'the list of revoked agents cannot be used as it is', 1)
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 403, code: 'AGENT_REVOKED' })
    await it.replace('revoked', '# nobody\n')
    await loaded(it, 2)
    expect(it.log.records).toContainEqual(expect.objectContaining({ level: 'warn', msg: 'entries taken out of the list of revoked agents', count: 1 }))
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
    expect(await it.metrics.value('revoked_agents_entries')).toBe(0)
  })

  test('of whom the list speaks unclearly is told at the start, with the line (T23)', async () => {
    await using it = await openService({ revoked: '# lost\nserial4f3a22\n' })
    const problems = ['line 2 counts as a node; write node: or serial: before it']
    expect(it.log.records).toContainEqual(expect.objectContaining({ level: 'warn', problems }))
  })

  test('stays refused while the list has a slip, which is an error in the log and a metric (T23)', async () => {
    await using it = await openService({ revoked: 'node-1\n' })
    await it.replace('revoked', 'NODE ONE\n')
    await told(it, 'the list of revoked agents cannot be used as it is', 1)
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 403, code: 'AGENT_REVOKED' })
    expect(await it.metrics.value('revoked_agents_unusable')).toBe(1)
    expect(it.log.records.filter(({ level }) => level === 'error')).toHaveLength(1)
  })
})
