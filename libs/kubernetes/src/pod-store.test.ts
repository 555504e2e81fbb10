import { aPod } from '@pallas/identity/testing'
import { expect, test } from 'vitest'
import { PodStore } from './pod-store.ts'

const web = aPod({ name: 'web', uid: 'u-1' })
const db = aPod({ name: 'db', uid: 'u-2' })

test('a pod is found by uid and by name', () => {
  const store = new PodStore()
  expect(store.put(web)).toEqual({ gone: [], pods: [web] })
  expect(store.byUid('u-1')).toBe(web)
  expect(store.byName(web.namespace, 'web')).toBe(web)
  expect(store.byName('other', 'web')).toBeUndefined()
})

test('a pod that takes the name of another means that the other is gone', () => {
  const store = new PodStore()
  store.put(web)
  const again = aPod({ name: 'web', uid: 'u-9' })
  expect(store.put(again)).toEqual({ gone: [web], pods: [again] })
  expect(store.remove('u-1')).toEqual({ gone: [], pods: [] })
  expect(store.byName(web.namespace, 'web')).toBe(again)
})

test('a list says by its silence who is gone, also under a name that is there', () => {
  const store = new PodStore()
  store.put(web)
  store.put(db)
  const again = aPod({ name: 'web', uid: 'u-9' })
  expect(store.replaceAll([again])).toEqual({ gone: [web, db], pods: [again] })
  expect(store.all()).toEqual([again])
})

test('a pod is gone once', () => {
  const store = new PodStore()
  store.put(web)
  expect(store.remove('u-1').gone).toEqual([web])
  expect(store.remove('u-1').gone).toEqual([])
  expect(store.size).toBe(0)
})
