import { describe, expect, test } from 'vitest'
import { describeOwnership } from './contract-ownership.ts'
import { bytes, type HostUnderTest, type Lack, text } from './under-test.ts'

const MODES = [0o400, 0o444, 0o600, 0o640, 0o644, 0o666] as const

export function describeFiles(open: () => Promise<HostUnderTest>, lacks: ReadonlySet<Lack>): void {
  describe('files', () => {
    describeReading(open)
    describeOwnership(open)
    describeCreating(open, lacks)
    describeNames(open)
    describeLocks(open)
  })
}

function describeReading(open: () => Promise<HostUnderTest>): void {
  test('what was created is read back, byte for byte', async () => {
    await using it = await open()
    const content = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
    await it.host.files.create(`${it.dir}/a`, content, 0o600)
    expect(await it.host.files.read(`${it.dir}/a`, 200_000)).toEqual(content)
  })

  test('an empty file is read as no bytes, even when none are allowed', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes(''), 0o600)
    expect(await it.host.files.read(`${it.dir}/a`, 0)).toEqual(new Uint8Array())
  })

  test('a file one byte longer than allowed is refused', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('12345'), 0o600)
    expect(text(await it.host.files.read(`${it.dir}/a`, 5))).toBe('12345')
    await expect(it.host.files.read(`${it.dir}/a`, 4)).rejects.toMatchObject({ code: 'HOST_TOO_LARGE' })
  })

  test('a symlink is followed in reading, and one into nowhere is a missing file', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('x'), 0o600)
    await it.host.files.symlink('a', `${it.dir}/link`)
    await it.host.files.symlink('gone', `${it.dir}/dangling`)
    expect(text(await it.host.files.read(`${it.dir}/link`, 10))).toBe('x')
    await expect(it.host.files.read(`${it.dir}/dangling`, 10)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  })

  test('a FIFO without a writer is refused at once', async () => {
    await using it = await open()
    await it.makeFifo(`${it.dir}/fifo`)
    await expect(it.host.files.read(`${it.dir}/fifo`, 10)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
  })

  test('a directory and a circle of symlinks are refused', async () => {
    await using it = await open()
    await it.host.files.symlink('circle', `${it.dir}/circle`)
    await expect(it.host.files.read(it.dir, 10)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(it.host.files.read(`${it.dir}/circle`, 10)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
  })

  test.each([
    ['a relative path is refused', 'a'],
    ['a path with a nul is refused', '/a\0b'],
    ['a path that is no text is refused', '/a\ud800b'],
    ['an empty path is refused', ''],
  ])('%s', async (_name, path) => {
    await using it = await open()
    await expect(it.host.files.read(path, 10)).rejects.toMatchObject({ code: 'HOST_IO' })
    await expect(it.host.files.stat(path)).rejects.toMatchObject({ code: 'HOST_IO' })
    await expect(it.host.files.create(path, bytes(''), 0o600)).rejects.toMatchObject({ code: 'HOST_IO' })
  })

  test('an error names the path and never the content', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('secret'), 0o600)
    const error = await it.host.files.create(`${it.dir}/a`, bytes('hidden'), 0o600).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'HostError', code: 'HOST_EXISTS', fields: { path: `${it.dir}/a` } })
    expect(JSON.stringify(error)).not.toMatch(/secret|hidden/)
  })
}

function describeCreating(open: () => Promise<HostUnderTest>, lacks: ReadonlySet<Lack>): void {
  const umasks = lacks.has('umask') ? [undefined] : [0o022, 0o077, 0]

  test.each(umasks)('files and directories get exactly their mode (umask %o)', async (mask) => {
    await using it = await open()
    using _mask = mask === undefined ? undefined : it.umask?.(mask)
    for (const mode of MODES) {
      await it.host.files.create(`${it.dir}/${mode}`, bytes('x'), mode)
      expect(await it.host.files.stat(`${it.dir}/${mode}`)).toMatchObject({ kind: 'file', mode, size: 1 })
    }
    await it.host.files.mkdir(`${it.dir}/shared`, 0o2755)
    expect(await it.host.files.stat(`${it.dir}/shared`)).toMatchObject({ kind: 'directory', mode: 0o2755 })
    await it.host.files.mkdirs(`${it.dir}/x/y`, 0o750)
    expect(await it.host.files.stat(`${it.dir}/x`)).toMatchObject({ mode: 0o750 })
    expect(await it.host.files.stat(`${it.dir}/x/y`)).toMatchObject({ mode: 0o750 })
  })

  test.each(['file', 'directory', 'symlink', 'fifo'] as const)('nothing is created over a %s', async (kind) => {
    await using it = await open()
    const path = `${it.dir}/taken`
    if (kind === 'file') await it.host.files.create(path, bytes('first'), 0o600)
    if (kind === 'directory') await it.host.files.mkdir(path, 0o700)
    if (kind === 'symlink') await it.host.files.symlink('elsewhere', path)
    if (kind === 'fifo') await it.makeFifo(path)
    await expect(it.host.files.create(path, bytes('second'), 0o600)).rejects.toMatchObject({ code: 'HOST_EXISTS' })
    await expect(it.host.files.mkdir(path, 0o700)).rejects.toMatchObject({ code: 'HOST_EXISTS' })
    await expect(it.host.files.symlink('x', path)).rejects.toMatchObject({ code: 'HOST_EXISTS' })
    expect(await it.host.files.stat(`${it.dir}/elsewhere`)).toBeUndefined()
    if (kind === 'file') expect(text(await it.host.files.read(path, 10))).toBe('first')
  })

  test('nothing is created in a directory that is not there, or in a file', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('x'), 0o600)
    const make = (path: string) => it.host.files.create(path, bytes('x'), 0o600)
    await expect(make(`${it.dir}/none/b`)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    await expect(make(`${it.dir}/a/b`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(it.host.files.mkdir(`${it.dir}/none/b`, 0o700)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  })

  test('mkdirs leaves what is there as it is, follows a symlink to a directory and refuses a file on the way', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/a`, 0o711)
    await files.mkdirs(`${it.dir}/a`, 0o750)
    expect(await files.stat(`${it.dir}/a`)).toMatchObject({ mode: 0o711 })
    await files.symlink('a', `${it.dir}/link`)
    await files.mkdirs(`${it.dir}/link/b`, 0o750)
    expect(await files.stat(`${it.dir}/a/b`)).toMatchObject({ kind: 'directory' })
    await files.create(`${it.dir}/f`, bytes('x'), 0o600)
    await expect(files.mkdirs(`${it.dir}/f`, 0o750)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(files.mkdirs(`${it.dir}/f/g`, 0o750)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
  })
}

function describeNames(open: () => Promise<HostUnderTest>): void {
  test('of many who link the same name one wins and the rest learn that it is taken', async () => {
    await using it = await open()
    const { files } = it.host
    const makers = Array.from({ length: 8 }, (_, index) => `${it.dir}/maker-${index}`)
    for (const maker of makers) await files.create(maker, bytes(maker), 0o600)
    const results = await Promise.allSettled(makers.map((maker) => files.link(maker, `${it.dir}/name`)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'HOST_EXISTS' })
    }
    const winner = makers[results.findIndex(({ status }) => status === 'fulfilled')]
    expect(text(await files.read(`${it.dir}/name`, 200))).toBe(winner)
  })

  test('a link is the same file under a second name, and its source must be there', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('x'), 0o640)
    await it.host.files.link(`${it.dir}/a`, `${it.dir}/b`)
    await it.host.files.unlink(`${it.dir}/a`)
    expect(await it.host.files.stat(`${it.dir}/b`)).toMatchObject({ kind: 'file', mode: 0o640 })
    await expect(it.host.files.link(`${it.dir}/a`, `${it.dir}/c`)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  })

  test('rename replaces a file and a symlink, itself, not what it points at', async () => {
    await using it = await open()
    const { files } = it.host
    await files.create(`${it.dir}/old`, bytes('old'), 0o600)
    await files.symlink('old', `${it.dir}/link`)
    await files.create(`${it.dir}/new`, bytes('new'), 0o600)
    await files.rename(`${it.dir}/new`, `${it.dir}/link`)
    await files.syncDirectory(it.dir)
    expect(await files.stat(`${it.dir}/link`)).toMatchObject({ kind: 'file' })
    expect(text(await files.read(`${it.dir}/old`, 10))).toBe('old')
    await files.symlink('old', `${it.dir}/next`)
    await files.rename(`${it.dir}/next`, `${it.dir}/link`)
    expect(await files.readlink(`${it.dir}/link`)).toBe('old')
  })

  test('a directory is renamed with all in it, over an empty one but not over a full one or a file', async () => {
    await using it = await open()
    const { files } = it.host
    for (const name of ['a', 'empty', 'full']) await files.mkdir(`${it.dir}/${name}`, 0o700)
    await files.create(`${it.dir}/a/x`, bytes('x'), 0o600)
    await files.create(`${it.dir}/full/y`, bytes('y'), 0o600)
    await files.create(`${it.dir}/file`, bytes('z'), 0o600)
    const moveTo = (name: string) => files.rename(`${it.dir}/a`, `${it.dir}/${name}`)
    await expect(moveTo('full')).rejects.toMatchObject({ code: 'HOST_NOT_EMPTY' })
    await expect(moveTo('file')).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await moveTo('empty')
    expect(await files.list(it.dir)).toEqual(['empty', 'file', 'full'])
    expect(await files.list(`${it.dir}/empty`)).toEqual(['x'])
    await expect(moveTo('b')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  })

  test('unlink and rmdir are content with nothing, and never take the other kind', async () => {
    await using it = await open()
    const { files } = it.host
    await files.unlink(`${it.dir}/none`)
    await files.rmdir(`${it.dir}/none`)
    await files.mkdir(`${it.dir}/d`, 0o700)
    await files.create(`${it.dir}/d/f`, bytes('x'), 0o600)
    await expect(files.unlink(`${it.dir}/d`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(files.rmdir(`${it.dir}/d`)).rejects.toMatchObject({ code: 'HOST_NOT_EMPTY' })
    await expect(files.rmdir(`${it.dir}/d/f`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await files.unlink(`${it.dir}/d/f/below-a-file`)
    await files.unlink(`${it.dir}/d/f`)
    await files.rmdir(`${it.dir}/d`)
    expect(await files.list(it.dir)).toEqual([])
  })

  test('what the kernel removes for nobody is denied', async (context) => {
    await using it = await open()
    const { files } = it.host
    if ((await files.stat('/proc/self/status')) === undefined) return context.skip()
    await expect(files.unlink('/proc/self/status')).rejects.toMatchObject({ code: 'HOST_DENIED' })
  })

  test('unlink takes a symlink, not what it points at', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('x'), 0o600)
    await it.host.files.symlink('a', `${it.dir}/link`)
    await it.host.files.unlink(`${it.dir}/link`)
    expect(await it.host.files.list(it.dir)).toEqual(['a'])
  })

  test('stat tells the kinds apart and does not follow a symlink', async () => {
    await using it = await open()
    const { files } = it.host
    await files.mkdir(`${it.dir}/d`, 0o700)
    await files.symlink('d', `${it.dir}/l`)
    await it.makeFifo(`${it.dir}/p`)
    expect(await files.stat(`${it.dir}/d`)).toMatchObject({ kind: 'directory' })
    expect(await files.stat(`${it.dir}/l`)).toMatchObject({ kind: 'symlink' })
    expect(await files.stat(`${it.dir}/p`)).toMatchObject({ kind: 'other' })
    expect(await files.stat(`${it.dir}/none`)).toBeUndefined()
    expect(await files.stat(`${it.dir}/p/none`)).toBeUndefined()
  })

  test('readlink and list want a symlink and a directory', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes('x'), 0o600)
    await expect(it.host.files.readlink(`${it.dir}/a`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(it.host.files.list(`${it.dir}/a`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
    await expect(it.host.files.list(`${it.dir}/none`)).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    await expect(it.host.files.syncDirectory(`${it.dir}/a`)).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
  })

  test.each(['a b', 'é', 'a\nb', '\\', '%2e%2e', '…😀'])('a name is the bytes that were given, %j', async (name) => {
    await using it = await open()
    const { files } = it.host
    await files.create(`${it.dir}/${name}`, bytes('x'), 0o600)
    await files.symlink(name, `${it.dir}/to`)
    expect(await files.readlink(`${it.dir}/to`)).toBe(name)
    expect((await files.list(it.dir)).filter((each) => each !== 'to')).toEqual([name])
    expect(text(await files.read(`${it.dir}/to`, 10))).toBe('x')
  })

  test('names are listed in order, whatever the order of making', async () => {
    await using it = await open()
    for (const name of ['b', 'B', '.x', 'a']) await it.host.files.create(`${it.dir}/${name}`, bytes(''), 0o600)
    expect(await it.host.files.list(it.dir)).toEqual(['.x', 'B', 'a', 'b'])
  })
}

function describeLocks(open: () => Promise<HostUnderTest>): void {
  test('an exclusive lock excludes every other until it is let go', async () => {
    await using it = await open()
    const first = await it.host.files.tryLock(it.dir, 'exclusive')
    expect(first).toBeDefined()
    expect(await it.host.files.tryLock(it.dir, 'exclusive')).toBeUndefined()
    expect(await it.host.files.tryLock(it.dir, 'shared')).toBeUndefined()
    await first?.[Symbol.asyncDispose]()
    await using second = await it.host.files.tryLock(it.dir, 'exclusive')
    expect(second).toBeDefined()
  })

  test('shared locks live together and keep an exclusive one out', async () => {
    await using it = await open()
    await it.host.files.create(`${it.dir}/a`, bytes(''), 0o600)
    await using one = await it.host.files.tryLock(`${it.dir}/a`, 'shared')
    await using two = await it.host.files.tryLock(`${it.dir}/a`, 'shared')
    expect([one, two]).not.toContain(undefined)
    expect(await it.host.files.tryLock(`${it.dir}/a`, 'exclusive')).toBeUndefined()
  })

  test('a lock needs something to be on, and no symlink', async () => {
    await using it = await open()
    await it.host.files.symlink('x', `${it.dir}/link`)
    await expect(it.host.files.tryLock(`${it.dir}/none`, 'shared')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    await expect(it.host.files.tryLock(`${it.dir}/link`, 'shared')).rejects.toMatchObject({ code: 'HOST_WRONG_KIND' })
  })
}
