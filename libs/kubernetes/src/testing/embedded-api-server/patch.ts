/** JSON Patch and merge patch as an API server applies them; strategic merge and server-side apply are 415 here. */
import jsonPatch from 'fast-json-patch'
import { isObject } from '../../json.ts'
import { badRequest, unsupportedType } from './failure.ts'
import type { Json } from './object.ts'

/** A new document. `test` that fails, and a path that is not there, are 422 on a real server; here too, by `refuse`. */
export function applyJsonPatch(document: Json, operations: unknown, refuse: (why: string) => Error): Json {
  if (!Array.isArray(operations))
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  try {
    const { newDocument } = jsonPatch.applyPatch<unknown>(structuredClone(document), operations, true, true, true)
    if (isObject(newDocument)) return newDocument
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
    throw refuse(why)
  }
  throw refuse('the document is no object any more')
}

/** RFC 7386. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const target: Json = isObject(document) ? { ...document } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key]
    else target[key] = applyMergePatch(Object.hasOwn(target, key) ? target[key] : undefined, value)
  }
  return target
}

/** Applies a PATCH request's body by its content type. */
export function applyPatchRequest(document: Json, type: string, body: unknown, refuse: (why: string) => Error): Json {
  switch (type) {
    case 'application/json-patch+json':
      return applyJsonPatch(document, body, refuse)
    case 'application/merge-patch+json': {
      if (!isObject(body)) throw badRequest('a merge patch must be an object')
      return applyMergePatch(document, body) as Json
    }
    default:
      throw unsupportedType('accepted media types include: application/json-patch+json, application/merge-patch+json')
  }
}
