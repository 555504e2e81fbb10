import { IdentityError } from '@pallas/identity'
import type { FastifyInstance } from 'fastify'

/** JSON is the only kind of body; an empty one is no body; keys that would change a prototype are refused. */
export function takeOnlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') return done(null)
    return parse(request, text, (error, value) => {
      if (error === null) done(null, value)
      else done(new IdentityError('BODY_INVALID', 'the body is not json', {}, { cause: error }))
    })
  })
}
