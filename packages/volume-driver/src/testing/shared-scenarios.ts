/** A fleet whose agents serve one socket for all pods, and pods that run as anybody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { actsAsAnybody } from '@pallas/linux/testing'
import { expectNothing, failsWith, mounts, type RealNode, type Scenario, SUCCESS } from './real-node.ts'

const NOBODY = 65_534

/** A host whose agent listens for all pods in one directory. */
function sharing(node: RealNode) {
  const agentDir = `${node.dir}/agent`
  node.configure({ isolation: 'shared', agentDir })
  showIdentity(node)
  return { ...node, agentDir, socket: `${node.mountDir}/connect/agent.sock` }
}

function showIdentity({ dir, mountDir }: RealNode): void {
  if (!existsSync(`${dir}/identity`)) symlinkSync(mountDir, `${dir}/identity`)
}

/** What the agent says to whoever connects, by a path as short as it is in a pod. */
async function heardAt({ dir }: RealNode): Promise<string> {
  const socket = connect(`${dir}/identity/connect/agent.sock`)
  const [heard] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return heard.toString()
}

async function listening(path: string, says: string) {
  const server = createServer((socket) => socket.end(says))
  await once(server.listen(path), 'listening')
  chmodSync(path, 0o666)
  return { [Symbol.dispose]: () => void server.close() }
}

/** Runs with the rights of a pod that is not root. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.setgroups?.([])
  process.setegid?.(NOBODY)
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

const readOnly = { code: 'EROFS' }

export const sharedScenarios: Readonly<Record<string, Scenario>> = {
  'a socket that all pods share is reached through the mount, and an agent that starts again is found (W2)': async (plain) => {
    const node = sharing(plain)
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal(statSync(node.agentDir).mode & 0o7777, 0o755)
    for (const says of ['first', 'second']) {
      using _agent = await listening(`${node.agentDir}/agent.sock`, says)
      assert.equal(await heardAt(node), says)
    }
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
    assert.ok(existsSync(node.agentDir))
  },

  'no pod takes the shared socket away, puts its own there or moves it, also as root (W2, W3)': async (plain) => {
    const node = sharing(plain)
    mkdirSync(node.agentDir)
    using _agent = await listening(`${node.agentDir}/agent.sock`, 'agent')
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.throws(() => unlinkSync(node.socket), readOnly)
    assert.throws(() => renameSync(node.socket, `${node.socket}.old`), readOnly)
    assert.throws(() => writeFileSync(`${node.mountDir}/connect/mine`, ''), readOnly)
    assert.throws(() => chmodSync(node.socket, 0o600), readOnly)
    await assert.rejects(listening(`${node.mountDir}/connect/x`, 'thief'))
    assert.equal(await heardAt(node), 'agent')
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((each) => each.includes(` ${node.mountDir}`))
    assert.equal(lines.length, 2)
    for (const line of lines) assert.match(line, / ro,nosuid,nodev,noexec,/)
    assert.deepEqual(await node.unmount(), SUCCESS)
    assert.deepEqual(readdirSync(node.agentDir), ['agent.sock'])
    await expectNothing(node)
  },

  'a shared socket: mounted again it is mounted once, and after a change of the settings it is as they say (T35)': async (plain) => {
    const node = sharing(plain)
    for (let times = 0; times < 3; times++) assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal((await node.mounts()).length, 2)
    node.configure()
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.deepEqual((await node.mounts()).map(({ target }) => target), [node.mountDir])
    sharing(plain)
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal((await node.mounts()).length, 2)
    assert.equal(node.volumes().length, 1)
    for (let times = 0; times < 2; times++) assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'a shared socket: half mounted, half unmounted, and without its agent it goes all the same (W9, T35, T36)': async (plain) => {
    const node = sharing(plain)
    await node.mount()
    await mounts.unmount(`${node.mountDir}/connect`)
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal((await node.mounts()).length, 2)
    await mounts.unmount(`${node.mountDir}/connect`)
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
    await node.mount()
    rmSync(node.agentDir, { recursive: true })
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'a directory of the agent that others may write to is shown to no pod (T11)': async (plain) => {
    const node = sharing(plain)
    mkdirSync(node.agentDir)
    chmodSync(node.agentDir, 0o777)
    failsWith(await node.mount(), 'AGENT_DIR_UNTRUSTED')
    await expectNothing(node)
  },

  'a pod that is not root reads its id and speaks to the agent, by either socket (W13)': async (plain) => {
    if (!actsAsAnybody) return
    for (const at of [plain.dir, dirname(plain.dir)]) chmodSync(at, 0o711)
    showIdentity(plain)
    await plain.mount()
    const [handle = ''] = plain.volumes()
    {
      using _agent = await listening(`${plain.volumesDir}/${handle}/mount/connect/agent.sock`, 'mine')
      assert.deepEqual(await asNobody(async () => [readFileSync(`${plain.mountDir}/id`, 'utf8'), await heardAt(plain)]), [handle, 'mine'])
      assert.throws(() => readFileSync(`${plain.mountDir}/data.json`), { code: 'ENOENT' })
    }
    const node = sharing(plain)
    await node.mount()
    {
      using _agent = await listening(`${node.agentDir}/agent.sock`, 'shared')
      assert.equal(await asNobody(() => heardAt(node)), 'shared')
      await asNobody(async () => assert.throws(() => readFileSync(`${node.volumesDir}/${handle}/data.json`), { code: 'EACCES' }))
    }
    await node.unmount()
    await expectNothing(node)
  },
}
