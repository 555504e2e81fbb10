/** What a ZTS says, in the two forms it has: JSON of its resources, HTML of the server around them. */

export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly contentType: string | undefined
  readonly body: string
}

/** No, with the status and the text that the real one has for it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  /** Whether to list what would have been taken as a credential. */
  readonly challenges: boolean

  constructor(status: number, message: string, { challenges = false }: { challenges?: boolean } = {}) {
    super(message)
    this.status = status
    this.challenges = challenges
  }
}

/** The server around the resources had nothing better to say than a page. */
export class PageRefusal extends Error {
  override readonly name = 'PageRefusal'
  readonly status: number

  constructor(status: number) {
    super('answered with a page')
    this.status = status
  }
}

export const jsonAnswer = (status: number, value: object, headers: Answer['headers'] = []): Answer => ({
  status,
  headers,
  contentType: 'application/json',
  body: JSON.stringify(value),
})

export const emptyAnswer = (status: number): Answer => ({ status, headers: [], contentType: undefined, body: '' })

export const pageAnswer = (status: number): Answer => ({
  status,
  headers: [],
  contentType: 'text/html;charset=iso-8859-1',
  body: `<html><head><title>Error ${status}</title></head><body><h2>HTTP ERROR ${status}</h2></body></html>\n`,
})

const CHALLENGES = [
  ['WWW-Authenticate', 'AthenzPrincipalToken realm="athenz"'],
  ['WWW-Authenticate', 'AthenzX509Certificate realm="athenz"'],
] as const

/** Anything but our own refusals is a fault of this program: 500, as a page. */
export function answerOf(error: unknown): Answer {
  if (error instanceof PageRefusal) return pageAnswer(error.status)
  if (!(error instanceof Refusal)) return pageAnswer(500)
  const { status, message, challenges } = error
  return jsonAnswer(status, { code: status, message }, challenges ? CHALLENGES : [])
}
