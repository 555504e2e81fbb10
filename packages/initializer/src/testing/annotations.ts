/** Annotations that people write, and what somebody might write to be taken for another. */
import { TRIGGER } from './init-config.ts'

export const ANNOTATIONS: readonly (readonly [what: string, annotations: Readonly<Record<string, string>> | undefined])[] = [
  ['none at all', undefined],
  ['an empty map', {}],
  ['others', { 'example.org/note': 'true' }],
  ['the one that asks', { [TRIGGER]: 'true' }],
  ['the one that asks among others', { a: 'b', [TRIGGER]: 'true', z: 'false' }],
  ['a clear no', { [TRIGGER]: 'false' }],
  ['a no of another case', { [TRIGGER]: 'False' }],
  ['an empty value', { [TRIGGER]: '' }],
  ['a value that only looks like a yes', { [TRIGGER]: 'true ' }],
  ['a yes of another kind', { [TRIGGER]: 'yes' }],
  ['the value of the other key', { [`${TRIGGER}x`]: 'true' }],
  ['a path', { [TRIGGER]: '../../etc/passwd' }],
  ['what would end a string', { [TRIGGER]: "' || true || '" }],
  ['a quarter of a megabyte', { [TRIGGER]: 'x'.repeat(200_000) }],
  ['a key with a capital', { [TRIGGER.replace('/a', '/A')]: 'true' }],
]
