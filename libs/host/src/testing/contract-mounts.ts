/**
 * The promises about mounts, as checks by name, so that they can be kept where the test runner itself cannot go: in a
 * mount namespace of their own.
 */
import assert from 'node:assert/strict'
import { HostError } from '../error.ts'
import { bytes, type HostUnderTest, text } from './under-test.ts'

export type MountPromise = (it: HostUnderTest) => Promise<void>

/** Source with a file and a directory in it, and an empty target. */
async function prepared({ host, dir }: HostUnderTest) {
  const [source, target] = [`${dir}/source`, `${dir}/target`]
  await host.files.mkdirs(`${source}/inner`, 0o755)
  await host.files.mkdir(target, 0o750)
  await host.files.create(`${source}/id`, bytes('shown'), 0o444)
  return { ...host, source, target, dir }
}

const refusedWith = (code: string) => (error: unknown) => error instanceof HostError && error.code === code

export const mountPromises: Readonly<Record<string, MountPromise>> = {
  'what is bound is seen at the target, and no longer after unmounting': async (it) => {
    const { files, mounts, source, target } = await prepared(it)
    await mounts.bind(source, target, { readOnly: false })
    assert.equal(text(await files.read(`${target}/id`, 10)), 'shown')
    await files.create(`${target}/new`, bytes('x'), 0o600)
    assert.equal((await files.stat(`${source}/new`))?.kind, 'file')
    await mounts.unmount(target)
    assert.deepEqual(await files.list(target), [])
  },

  'a read-only bind is really read-only, while its source can be written (W3)': async (it) => {
    const { files, mounts, source, target } = await prepared(it)
    await mounts.bind(source, target, { readOnly: true })
    await assert.rejects(files.create(`${target}/new`, bytes('x'), 0o600), refusedWith('HOST_DENIED'))
    await assert.rejects(files.unlink(`${target}/id`), refusedWith('HOST_DENIED'))
    await assert.rejects(files.create(`${target}/inner/new`, bytes('x'), 0o600), refusedWith('HOST_DENIED'))
    await files.create(`${source}/inner/new`, bytes('later'), 0o600)
    assert.equal(text(await files.read(`${target}/inner/new`, 10)), 'later')
    assert.deepEqual((await mounts.under(target)).map(({ readOnly }) => readOnly), [true])
    await mounts.unmount(target)
  },

  'mounts are listed with target, root and in the order of unmounting': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.mkdir(`${dir}/second`, 0o755)
    await mounts.bind(source, target, { readOnly: false })
    await mounts.bind(`${dir}/second`, `${target}/inner`, { readOnly: true })
    await mounts.bind(`${dir}/second`, target, { readOnly: true })
    const listed = await mounts.under(dir)
    assert.deepEqual(listed.map((mount) => [mount.target, mount.readOnly]), [
      [target, true],
      [`${target}/inner`, true],
      [target, false],
    ])
    assert.ok(listed[0]?.root.endsWith('/second'))
    assert.ok(listed[2]?.root.endsWith('/source'))
    for (const mount of listed) await mounts.unmount(mount.target)
    assert.deepEqual(await mounts.under(dir), [])
  },

  'a mount that covers another is listed before it': async (it) => {
    const { files, mounts, source, dir } = await prepared(it)
    await files.mkdirs(`${dir}/outer/inner`, 0o755)
    await mounts.bind(source, `${dir}/outer/inner`, { readOnly: false })
    await mounts.bind(source, `${dir}/outer`, { readOnly: false })
    const targets = (await mounts.under(`${dir}/outer`)).map((mount) => mount.target)
    assert.deepEqual(targets, [`${dir}/outer`, `${dir}/outer/inner`])
    for (const target of targets) await mounts.unmount(target)
  },

  'names that only begin alike are not below': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.mkdir(`${dir}/target-2`, 0o755)
    await mounts.bind(source, `${dir}/target-2`, { readOnly: false })
    assert.deepEqual(await mounts.under(target), [])
    await mounts.unmount(`${dir}/target-2`)
  },

  'blanks, tabs, newlines, backslashes and other scripts in a path come back as they are': async (it) => {
    const { files, mounts, source, dir } = await prepared(it)
    const odd = `${dir}/a b\tc\nd\\e\\040#é`
    await files.mkdir(odd, 0o755)
    await mounts.bind(source, odd, { readOnly: true })
    assert.deepEqual((await mounts.under(odd)).map((mount) => mount.target), [odd])
    await mounts.unmount(odd)
  },

  'a symlink on the way does not hide a mount': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.symlink(dir, `${dir}/moved`)
    await mounts.bind(source, `${dir}/moved/target`, { readOnly: true })
    assert.deepEqual((await mounts.under(`${dir}/moved/target`)).map((mount) => mount.target), [target])
    await mounts.unmount(`${dir}/moved/target`)
    assert.deepEqual(await mounts.under(dir), [])
  },

  'nothing is mounted on a symlink, on a file or on nothing, nor from them': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.symlink('target', `${dir}/link`)
    for (const [path, code] of [[`${dir}/link`, 'HOST_WRONG_KIND'], [`${source}/id`, 'HOST_WRONG_KIND'], [`${dir}/none`, 'HOST_NOT_FOUND']] as const) {
      await assert.rejects(mounts.bind(source, path, { readOnly: true }), refusedWith(code))
      await assert.rejects(mounts.bind(path, target, { readOnly: true }), refusedWith(code))
    }
    assert.deepEqual(await mounts.under(dir), [])
  },

  'unmounting where nothing is mounted says so': async (it) => {
    const { mounts, target, dir } = await prepared(it)
    for (const path of [target, `${dir}/none`]) await assert.rejects(mounts.unmount(path), refusedWith('HOST_NOT_MOUNTED'))
  },

  'a directory under a mount is neither removed nor renamed away': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await mounts.bind(source, target, { readOnly: true })
    await assert.rejects(files.rmdir(target), refusedWith('HOST_BUSY'))
    await assert.rejects(files.rename(target, `${dir}/other`), refusedWith('HOST_BUSY'))
    await mounts.unmount(target)
    await files.rmdir(target)
  },

  'a source renamed away stays visible at the target': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await mounts.bind(source, target, { readOnly: true })
    assert.ok((await mounts.under(target))[0]?.root.endsWith('/source'))
    await files.rename(source, `${dir}/renamed`)
    assert.equal(text(await files.read(`${target}/id`, 10)), 'shown')
    assert.ok((await mounts.under(target))[0]?.root.endsWith('/renamed'))
    await mounts.unmount(target)
  },

  'inside a read-only mount another is shown, which must go first': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.mkdir(`${dir}/second`, 0o755)
    await files.create(`${dir}/second/socket`, bytes('x'), 0o600)
    await mounts.bind(source, target, { readOnly: true })
    await mounts.bind(`${dir}/second`, `${target}/inner`, { readOnly: true })
    assert.deepEqual(await files.list(`${target}/inner`), ['socket'])
    assert.deepEqual(await files.list(`${source}/inner`), [])
    await assert.rejects(files.unlink(`${target}/inner/socket`), refusedWith('HOST_DENIED'))
    await assert.rejects(mounts.unmount(target), refusedWith('HOST_BUSY'))
    assert.deepEqual((await mounts.under(target)).map((mount) => mount.target), [`${target}/inner`, target])
    await mounts.unmount(`${target}/inner`)
    await mounts.unmount(target)
    assert.deepEqual(await files.list(`${dir}/second`), ['socket'])
  },

  'what is mounted below the source is not carried along': async (it) => {
    const { files, mounts, source, target, dir } = await prepared(it)
    await files.mkdir(`${dir}/second`, 0o755)
    await files.create(`${dir}/second/hidden`, bytes('x'), 0o600)
    await mounts.bind(`${dir}/second`, `${source}/inner`, { readOnly: false })
    await mounts.bind(source, target, { readOnly: true })
    assert.deepEqual(await files.list(`${target}/inner`), [])
    assert.equal((await mounts.under(target)).length, 1)
    await mounts.bind(`${dir}/second`, `${target}/inner`, { readOnly: false })
    assert.equal((await mounts.under(source)).length, 1)
    for (const mount of await mounts.under(dir)) await mounts.unmount(mount.target)
  },
}

/** By the name of a promise: what broke it, or null. */
export type MountReport = Readonly<Record<string, string | null>>

/** Keeps every promise about mounts, one after the other; for the program that `describeMounts` has run. */
export async function checkMounts(open: () => Promise<HostUnderTest>): Promise<MountReport> {
  const report: Record<string, string | null> = {}
  for (const [name, promise] of Object.entries(mountPromises)) {
    try {
      await using it = await open()
      await promise(it)
      report[name] = null
    } catch (error) {
      report[name] = error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  }
  return report
}
