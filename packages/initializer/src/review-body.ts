/**
 * The body of a review as JSON. Keys that would change a prototype are left out and told, where other servers take no such
 * body: whoever made the object is to learn what is wrong with it, and only an answer to its review tells them.
 */
import { IdentityError } from '@pallas/identity'
import type { FastifyInstance } from 'fastify'
import { isDense, VALUE_LIMIT } from './dense-json.ts'

export interface ReviewBody {
  readonly json: unknown
  readonly hasPrototypeKeys: boolean
}

/** For the routes of this app: their bodies are `ReviewBody`. */
export function takeReviews(app: FastifyInstance): void {
  const strict = app.getDefaultJsonParser('error', 'error')
  const without = app.getDefaultJsonParser('remove', 'remove')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (isDense(text)) return done(new IdentityError('BODY_INVALID', 'the body holds more values than any pod', { limit: VALUE_LIMIT }))
    const taken = (json: unknown, hasPrototypeKeys: boolean) => done(null, { json, hasPrototypeKeys } satisfies ReviewBody)
    const untaken = (cause: Error) => done(new IdentityError('BODY_INVALID', 'the body is not json', {}, { cause }))
    const again = () => void without(request, text, (error, json) => (error === null ? taken(json, true) : untaken(error)))
    void strict(request, text, (error, json) => (error === null ? taken(json, false) : again()))
  })
}
