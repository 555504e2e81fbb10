import { describe, expect, test } from 'vitest'
import { mountsUnder, parseMountinfo } from './mountinfo.ts'

const line = (id: number, parent: number, target: string, { root = '/', options = 'rw,relatime' } = {}) =>
  `${id} ${parent} 0:30 ${root} ${target} ${options} shared:1 - ext4 /dev/vda rw`

const targets = (path: string, ...lines: readonly string[]) =>
  mountsUnder(parseMountinfo(lines.join('\n')), path).map(({ target, root }) => `${target} ${root}`)

describe('one line', () => {
  test.each([
    ['of the manual page', '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue', { id: 36, parent: 35, root: '/mnt1', target: '/mnt2', readOnly: false }],
    ['without optional fields', '21 1 8:1 / / rw - ext4 /dev/sda1 rw', { target: '/', root: '/' }],
    ['with several optional fields', '21 1 8:1 / /a ro,nosuid shared:1 master:2 propagate_from:3 unbindable - ext4 /dev/sda1 rw', { readOnly: true }],
    ['read-only in its file system alone', '21 1 8:1 / /a rw,relatime - iso9660 /dev/sr0 ro', { readOnly: false }],
    ['with an option that only begins like ro', '21 1 8:1 / /a rw,rootcontext=x - ext4 /dev/sda1 rw', { readOnly: false }],
    ['with blank, tab, newline and backslash', '21 1 8:1 /r\\040s /a\\040b\\011c\\012d\\134e rw - ext4 x rw', { root: '/r s', target: '/a b\tc\nd\\e' }],
    ['with what looks like an escape of an escape', '21 1 8:1 / /a\\134040b rw - ext4 x rw', { target: '/a\\040b' }],
    ['with a hash, escaped or not', '21 1 8:1 / /a\\043b#c rw - ext4 x rw', { target: '/a#b#c' }],
    ['with another script', '21 1 8:1 / /größe/Αθηνᾶ rw - ext4 x rw', { target: '/größe/Αθηνᾶ' }],
    ['of a deleted directory', '21 1 8:1 /a//deleted /b rw - ext4 x rw', { root: '/a//deleted', target: '/b' }],
    ['of a name space file', '21 1 0:4 net:[4026531840] /run/netns/a rw - nsfs nsfs rw', { root: 'net:[4026531840]' }],
    ['of a btrfs subvolume', '21 1 0:30 /@/var /var rw - btrfs /dev/sda rw,subvol=/@/var', { root: '/@/var' }],
  ])('%s', (_name, text, expected) => {
    expect(parseMountinfo(`${text}\n`)).toEqual([expect.objectContaining(expected)])
  })

  test.each([
    ['an empty text', ''],
    ['an empty line', '\n\n'],
    ['a line cut short', '21 1 8:1 / /a'],
    ['a line without numbers', 'x y 8:1 / /a rw - ext4 x rw'],
    ['a line without a parent', '21  8:1 / /a rw - ext4 x rw'],
    ['words', 'permission denied'],
  ])('%s is no mount', (_name, text) => {
    expect(parseMountinfo(text)).toEqual([])
  })
})

describe('the order of unmounting', () => {
  test('a mount below comes before the one it lies in, however they are listed', () => {
    const lines = [line(1, 1, '/'), line(3, 2, '/a/b'), line(2, 1, '/a')]
    expect(targets('/a', ...lines)).toEqual(['/a/b /', '/a /'])
    expect(targets('/a', ...lines.toReversed())).toEqual(['/a/b /', '/a /'])
  })

  test('the newest of a stack comes first', () => {
    const stack = [line(9, 1, '/a', { root: '/first' }), line(4, 9, '/a', { root: '/second' }), line(7, 4, '/a', { root: '/third' })]
    expect(targets('/a', line(1, 1, '/'), ...stack)).toEqual(['/a /third', '/a /second', '/a /first'])
  })

  test('of two with the same parent the newer comes first, because it may cover the other', () => {
    const lines = [line(1, 1, '/'), line(2, 1, '/a/b'), line(3, 1, '/a')]
    expect(targets('/a', ...lines)).toEqual(['/a /', '/a/b /'])
  })

  test('only whole names are below, and everything is below the root', () => {
    const lines = [line(1, 1, '/'), line(2, 1, '/a'), line(3, 1, '/ab')]
    expect(targets('/a', ...lines)).toEqual(['/a /'])
    expect(targets('/', ...lines)).toHaveLength(3)
  })

  test('a parent that is not listed and mounts that name each other end the count', () => {
    expect(targets('/', line(5, 99, '/a'), line(2, 3, '/b'), line(3, 2, '/c'))).toHaveLength(3)
  })
})

test('what covers a mount goes before whatever lies on that, however deep it is stacked', () => {
  const lines = [
    '10 1 8:1 / / rw - ext4 a rw',
    '20 10 8:1 /t /m ro - ext4 a rw',
    '21 20 8:1 /t/c /m/c ro - ext4 a rw',
    '22 21 8:1 /a /m/c rw - ext4 a rw',
    '23 20 8:1 /t2 /m rw - ext4 a rw',
    '24 23 8:1 /a2 /m/c rw - ext4 a rw',
  ]
  expect(mountsUnder(parseMountinfo(lines.join('\n')), '/m').map(({ root }) => root)).toEqual(['/a2', '/t2', '/a', '/t/c', '/t'])
})
