import { randomBytes } from 'node:crypto'

/** Ids for requests: short, unique within the fleet for practical purposes, in order within one process. No secrets. */
export function createRequestIds(prefix = randomBytes(6).toString('hex')): () => string {
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
