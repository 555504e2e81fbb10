/**
 * The driver as the kubelet meets it.
 *
 * Scenarios by name, so that they can be played in a mount namespace, where the test runner itself cannot go.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { nodeHost } from '@pallas/linux'
import { mountDirOf, mountOptions, POD_UID } from './kubelet-calls.ts'
import { ended, expectNothing, failsWith, mounts, type Scenario, SUCCESS } from './real-node.ts'
import { sharedScenarios } from './shared-scenarios.ts'

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...sharedScenarios,

  'the recorded calls of a real kubelet: init, mount, unmount': async (node) => {
    const capabilities = { attach: false, fsGroup: false, selinuxRelabel: false }
    assert.deepEqual(await node.call('init'), { ...SUCCESS, capabilities })
    assert.deepEqual(await node.mount(), SUCCESS)
    const [handle = ''] = node.volumes()
    assert.equal(readFileSync(`${node.mountDir}/id`, 'utf8'), handle)
    assert.deepEqual(readdirSync(node.mountDir), ['connect', 'id'])
    const modes = ['', '/data.json', '/mount', '/mount/connect', '/mount/id'].map((at) => statSync(`${node.volumesDir}/${handle}${at}`).mode & 0o7777)
    assert.deepEqual(modes, [0o750, 0o600, 0o755, 0o755, 0o444])
    assert.equal(statSync(`${node.dir}/handle.key`).mode & 0o7777, 0o600)
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
    rmdirSync(node.mountDir)
  },

  'every other call gets one document too': async (node) => {
    for (const argv of [[], [''], ['attach', '{}', 'n'], ['MOUNT'], ['getvolumename', '{}']])
      assert.deepEqual(await node.call(...argv), { status: 'Not supported', message: '' })
    for (const argv of [['mount'], ['mount', node.mountDir], ['unmount'], ['mount', '/', '{}'], ['mount', node.mountDir, '{'], ['unmount', '-x']])
      assert.equal((await node.call(...argv)).status, 'Failure')
    node.configure({ mounter: 'x' })
    failsWith(await node.mount(), 'SETTINGS_INVALID')
    writeFileSync(`${node.dir}/settings.json`, '{')
    failsWith(await node.unmount(), 'SETTINGS_INVALID')
    await expectNothing(node)
  },

  'nothing comes on stderr even when Node is started without its flag': async (node) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    execFile(process.execPath, [node.program, 'mount', node.mountDir, mountOptions()], { env: node.env }, (_error, stdout, stderr) => resolve(stdout + stderr))
    assert.deepEqual(JSON.parse(await promise), SUCCESS)
    await node.unmount()
  },

  'what the pod sees is read-only, nosuid, nodev, noexec, also for root (W3)': async (node) => {
    await node.mount()
    assert.throws(() => writeFileSync(`${node.mountDir}/id`, 'forged'), { code: 'EROFS' })
    assert.throws(() => writeFileSync(`${node.mountDir}/connect/agent.sock`, ''), { code: 'EROFS' })
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((each) => each.includes(` ${node.mountDir}`))
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', / ro,nosuid,nodev,noexec,/)
    assert.deepEqual(await node.unmount(), SUCCESS)
  },

  'a volume that root in the pod could write to is not mounted, and by no setting where pods share a socket (W2)': async (node) => {
    const writable = mountOptions({ 'kubernetes.io/readwrite': 'rw' })
    failsWith(await node.mount(writable), 'VOLUME_WRITABLE')
    node.configure({ isolation: 'shared', agentDir: `${node.dir}/agent` })
    failsWith(await node.mount(writable), 'VOLUME_WRITABLE')
    node.configure({ isolation: 'shared', agentDir: `${node.dir}/agent`, writableVolumes: 'allow' })
    failsWith(await node.mount(writable), 'SETTINGS_INVALID')
    await expectNothing(node)
  },

  'where writable volumes are allowed, what a run time makes writable of one for a container leaves the socket read-only (W2, W3)': async (node) => {
    node.configure({ writableVolumes: 'allow' })
    assert.deepEqual(await node.mount(mountOptions({ 'kubernetes.io/readwrite': 'rw' })), SUCCESS)
    assert.equal((await node.mounts()).length, 2)
    const [handle = ''] = node.volumes()
    writeFileSync(`${node.volumesDir}/${handle}/mount/connect/agent.sock`, 'agent')
    const copy = `${node.dir}/container`
    mkdirSync(copy)
    // As runc does for a mount without `readOnly`: all of it is bound, and the flags of the uppermost are set anew.
    execFileSync('mount', ['--rbind', node.mountDir, copy])
    execFileSync('mount', ['-o', 'remount,bind,rw', copy])
    const socket = `${copy}/connect/agent.sock`
    assert.throws(() => renameSync(socket, `${socket}.old`), { code: 'EROFS' })
    assert.throws(() => writeFileSync(`${copy}/connect/other`, ''), { code: 'EROFS' })
    assert.throws(() => renameSync(`${copy}/connect`, `${copy}/gone`), { code: 'EBUSY' })
    execFileSync('umount', ['-R', copy])
    rmSync(`${node.volumesDir}/${handle}/mount/connect/agent.sock`)
    assert.deepEqual(await node.unmount(), SUCCESS)
  },

  'unmount twice, of nothing, after the mounts are gone, and of stacked mounts (W9, T35, T36)': async (node) => {
    assert.deepEqual(await node.unmount(), SUCCESS)
    await node.mount()
    assert.deepEqual(await node.unmount(), SUCCESS)
    assert.deepEqual(await node.unmount(), SUCCESS)

    await node.mount()
    for (const { target } of await node.mounts()) await mounts.unmount(target)
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)

    await node.mount()
    const [handle = ''] = node.volumes()
    mkdirSync(`${node.dir}/agent`)
    for (let times = 0; times < 2; times++) {
      await mounts.bind(`${node.dir}/agent`, `${node.mountDir}/connect`, { readOnly: false })
      await mounts.bind(`${node.volumesDir}/${handle}/mount`, node.mountDir, { readOnly: false })
    }
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'unmount while a container still has its own copy of the mount (W9)': async (node) => {
    await node.mount()
    const container = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', 'echo in; read line'], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(container.stdout, 'data')
      assert.deepEqual(await node.unmount(), SUCCESS)
      await expectNothing(node)
      rmdirSync(node.mountDir)
    } finally {
      await ended(container)
    }
  },

  'nothing is deleted through what is mounted in the tree (W10)': async (node) => {
    await node.mount()
    const [handle = ''] = node.volumes()
    mkdirSync(`${node.dir}/agent`)
    writeFileSync(`${node.dir}/agent/agent.sock`, 'precious')
    for (let times = 0; times < 2; times++)
      await mounts.bind(`${node.dir}/agent`, `${node.volumesDir}/${handle}/mount/connect`, { readOnly: false })
    assert.deepEqual(await node.unmount(), SUCCESS)
    assert.equal(readFileSync(`${node.dir}/agent/agent.sock`, 'utf8'), 'precious')
    await expectNothing(node)
  },

  'a volume in use is neither unmounted nor deleted (W10)': async (node) => {
    await node.mount()
    const before = node.volumes()
    const user = spawn('sh', ['-c', 'echo in; read line'], { cwd: node.mountDir, stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(user.stdout, 'data')
      failsWith(await node.unmount(), 'VOLUME_BUSY')
      assert.deepEqual(node.volumes(), before)
    } finally {
      await ended(user)
    }
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'a mount that cannot be shown leaves nothing, and a stale context does not survive (W11)': async (node) => {
    rmdirSync(node.mountDir)
    writeFileSync(node.mountDir, '')
    failsWith(await node.mount(), 'HOST_WRONG_KIND')
    await expectNothing(node)
    const other = mountDirOf(`${node.dir}/k`, POD_UID, 'second')
    mkdirSync(other)
    await node.call('mount', other, mountOptions())
    const [handle = ''] = node.volumes()
    writeFileSync(`${node.volumesDir}/${handle}/context.json`, '{}')
    for (const { target } of await node.mounts()) await mounts.unmount(target)
    assert.deepEqual(await node.call('mount', other, mountOptions()), SUCCESS)
    assert.deepEqual(readdirSync(`${node.volumesDir}/${handle}`), ['data.json', 'mount'])
    assert.deepEqual(await node.call('unmount', other), SUCCESS)
  },

  'no call for another pod takes away a live volume while the root of the kubelet is covered (W10, W40)': async (node) => {
    await node.mount()
    const before = node.volumes()
    const root = `${node.dir}/k`
    mkdirSync(`${node.dir}/late-disk`)
    await mounts.bind(`${node.dir}/late-disk`, root, { readOnly: false })
    const uid = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'
    const other = mountDirOf(root, uid)
    mkdirSync(other, { recursive: true })
    assert.deepEqual(await node.call('mount', other, mountOptions({ 'kubernetes.io/pod.uid': uid })), SUCCESS)
    assert.deepEqual(await node.call('unmount', other), SUCCESS)
    assert.deepEqual(node.volumes(), before)
    await mounts.unmount(root)
    assert.equal(readFileSync(`${node.mountDir}/id`, 'utf8'), before[0])
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'options of another pod than the directory are refused (W14)': async (node) => {
    const uid = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'
    failsWith(await node.mount(mountOptions({ 'kubernetes.io/pod.uid': uid })), 'POD_UID_MISMATCH')
    await expectNothing(node)
  },

  'mount twice is mounted once, and keeps what the agent remembers (T35)': async (node) => {
    await node.mount()
    const [handle = ''] = node.volumes()
    writeFileSync(`${node.volumesDir}/${handle}/context.json`, '{}')
    assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal((await node.mounts()).length, 1)
    assert.ok(existsSync(`${node.volumesDir}/${handle}/context.json`))
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'a socket of the agent is reached through the mount and goes with the volume': async (node) => {
    await node.mount()
    const [handle = ''] = node.volumes()
    const server = createServer((socket) => socket.end('agent'))
    try {
      await once(server.listen(`${node.volumesDir}/${handle}/mount/connect/agent.sock`), 'listening')
      // As in a pod, where the path is short.
      symlinkSync(node.mountDir, `${node.dir}/identity`)
      const [heard] = (await once(connect(`${node.dir}/identity/connect/agent.sock`), 'data')) as [Buffer]
      assert.equal(heard.toString(), 'agent')
      assert.deepEqual(await node.unmount(), SUCCESS)
    } finally {
      server.close()
    }
    await expectNothing(node)
  },

  'a kubelet whose root is a symlink': async (node) => {
    await nodeHost().files.symlink('k', `${node.dir}/moved`)
    const moved = mountDirOf(`${node.dir}/moved`)
    for (let times = 0; times < 2; times++) assert.deepEqual(await node.call('mount', moved, mountOptions()), SUCCESS)
    assert.equal((await node.mounts()).length, 1)
    assert.deepEqual(await node.call('unmount', moved), SUCCESS)
    await expectNothing(node)
  },

  'many calls at once leave one volume or none': async (node) => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => node.mount()))
    assert.deepEqual(answers, answers.map(() => SUCCESS))
    assert.equal(node.volumes().length, 1)
    assert.equal((await node.mounts()).length, 1)
    const mixed = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? node.mount() : node.unmount()))
    for (const answer of await Promise.all(mixed)) assert.deepEqual(answer, SUCCESS)
    assert.equal(node.volumes().length, (await node.mounts()).length)
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },

  'a driver that is killed at any time leaves work that the next call finishes (T13)': async (node) => {
    for (let delay = 25; delay < 75; delay += 5) {
      const child = spawn(node.program, ['mount', node.mountDir, mountOptions()], { env: node.env, stdio: 'ignore' })
      setTimeout(() => child.kill('SIGKILL'), delay)
      await once(child, 'exit')
      assert.deepEqual(await (delay % 2 === 0 ? node.mount() : node.unmount()), SUCCESS)
      assert.deepEqual(await node.unmount(), SUCCESS)
      await expectNothing(node)
    }
  },

  'by symlink, where mounts are forbidden': async (node) => {
    node.configure({ mounter: 'link', handle: 'original' })
    for (let times = 0; times < 2; times++) assert.deepEqual(await node.mount(), SUCCESS)
    assert.equal(readFileSync(`${node.mountDir}/id`, 'utf8'), node.volumes()[0])
    assert.deepEqual(await node.mounts(), [])
    assert.deepEqual(await node.unmount(), SUCCESS)
    await expectNothing(node)
  },
}
