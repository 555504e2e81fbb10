/** Whose a file is, and what may be done with one's own though others may write where it lies. */
import { expect, test } from 'vitest'
import { bytes, type HostUnderTest, text } from './under-test.ts'

export function describeOwnership(open: () => Promise<HostUnderTest>): void {
  test('what this process made is its own; what was given away is not', async (context) => {
    await using it = await open()
    const { files } = it.host
    await files.create(`${it.dir}/a`, bytes('x'), 0o600)
    expect(await files.stat(`${it.dir}/a`)).toMatchObject({ isOwn: true })
    if (it.giveAway === undefined) return context.skip()
    await it.giveAway(`${it.dir}/a`)
    expect(await files.stat(`${it.dir}/a`)).toMatchObject({ isOwn: false })
  })

  test('an own file in an own directory is read', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('12345'), 0o600)
    expect(text(await it.host.files.readOwn(`${it.dir}/a`, 5))).toBe('12345')
    await expect(it.host.files.readOwn(`${it.dir}/a`, 4)).rejects.toMatchObject({ code: 'HOST_TOO_LARGE' })
    await expect(it.host.files.readOwn(`${it.dir}/b`, 4)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    await expect(it.host.files.readOwn(`${it.dir}/c/b`, 4)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  })

  test('what is read as own is neither a symlink nor in one, nor anything that keeps a reader waiting', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o755)
    await files.create(`${it.dir}/d/a`, bytes('x'), 0o600)
    await files.symlink('a', `${it.dir}/d/link`)
    await files.symlink('d', `${it.dir}/e`)
    await it.makeFifo(`${it.dir}/d/fifo`)
    for (const path of ['d/link', 'e/a', 'd/fifo', 'd', 'd/']) {
      await expect(files.readOwn(`${it.dir}/${path}`, 9), path).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    }
  })

  test.each(['d/a', 'd'])('what is read as own is not another user\'s, nor in a directory of one: %s', async (given) => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o755)
    await files.create(`${it.dir}/d/a`, bytes('x'), 0o644)
    await it.giveAway?.(`${it.dir}/${given}`)
    const reading = files.readOwn(`${it.dir}/d/a`, 9)
    if (it.giveAway === undefined) await reading
    else await expect(reading).rejects.toMatchObject({ code: 'HOST_DENIED' })
  })

  test('a file is created in an own directory of the group that is asked for, and in no other', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o755)
    await files.symlink('d', `${it.dir}/e`)
    const { gid = 0 } = (await files.stat(`${it.dir}/d`)) ?? {}
    await files.createOwn(`${it.dir}/d/a`, bytes('x'), 0o640, gid)
    await files.createOwn(`${it.dir}/d/b`, bytes('x'), 0o600)
    expect(await files.stat(`${it.dir}/d/a`)).toMatchObject({ kind: 'file', mode: 0o640, isOwn: true })
    const create = (path: string, group?: number) => files.createOwn(`${it.dir}/${path}`, bytes('x'), 0o600, group)
    await expect(create('d/a')).rejects.toMatchObject({ code: 'HOST_EXISTS' })
    await expect(create('e/c')).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(create('d/')).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(create('d/c', gid + 1)).rejects.toMatchObject({ code: 'HOST_DENIED' })
    await expect(create('none/c')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    expect(await files.list(`${it.dir}/d`)).toEqual(['a', 'b'])
  })

  test('nothing is created as own in the directory of another user', async (context) => {
    await using it = await open()
    if (it.giveAway === undefined) return context.skip()
    await it.host.files.mkdir(`${it.dir}/d`, 0o777)
    await it.giveAway(`${it.dir}/d`)
    await expect(it.host.files.createOwn(`${it.dir}/d/a`, bytes('x'), 0o600)).rejects.toMatchObject({ code: 'HOST_DENIED' })
    expect(await it.host.files.list(`${it.dir}/d`)).toEqual([])
  })

  test('an own directory is discarded with its files; symlinks in it lead nowhere; one that is gone is fine', async () => {
    await using it = await open()
    const { files } = it.host
    for (const name of ['d', 'other']) {
      await files.mkdir(`${it.dir}/${name}`, 0o755)
      await files.create(`${it.dir}/${name}/a`, bytes('x'), 0o600)
    }
    await files.symlink('../other', `${it.dir}/d/link`)
    await files.discard(`${it.dir}/d`)
    await files.discard(`${it.dir}/d`)
    expect(await files.list(it.dir)).toEqual(['other'])
    expect(await files.list(`${it.dir}/other`)).toEqual(['a'])
  })

  test('a file whose name is no text is discarded as any other', async (context) => {
    await using it = await open()
    if (it.makeOddName === undefined) return context.skip()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o755)
    await files.create(`${it.dir}/d/a`, bytes('x'), 0o600)
    await it.makeOddName(`${it.dir}/d`)
    await files.discard(`${it.dir}/d`)
    expect(await files.list(it.dir)).toEqual([])
  })

  test('of many who discard the same directory none fails', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o755)
    for (let index = 0; index < 20; index++) await files.create(`${it.dir}/d/${index}`, bytes('x'), 0o600)
    await Promise.all(Array.from({ length: 8 }, () => files.discard(`${it.dir}/d`)))
    expect(await files.list(it.dir)).toEqual([])
  })

  test('a symlink is not discarded, nor what it leads to, nor a directory in a directory, nor a file', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdirs(`${it.dir}/d/in`, 0o755)
    await files.create(`${it.dir}/d/in/a`, bytes('x'), 0o600)
    await files.symlink('d/in', `${it.dir}/link`)
    for (const path of ['link', 'd/in/a']) {
      await expect(files.discard(`${it.dir}/${path}`), path).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    }
    await expect(files.discard(`${it.dir}/d`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    expect(await files.list(`${it.dir}/d/in`)).toEqual(['a'])
  })

  test('a directory of another user is not discarded', async (context) => {
    await using it = await open()
    if (it.giveAway === undefined) return context.skip()
    await it.host.files.mkdir(`${it.dir}/d`, 0o755)
    await it.host.files.create(`${it.dir}/d/a`, bytes('x'), 0o600)
    await it.giveAway(`${it.dir}/d`)
    await expect(it.host.files.discard(`${it.dir}/d`)).rejects.toMatchObject({ code: 'HOST_DENIED' })
    expect(await it.host.files.list(`${it.dir}/d`)).toEqual(['a'])
  })
}
