/** What the identity agent asks of the JWT service, over mutual TLS: a signed document for one pod. */

export const JWT_ROUTES = { jwt: '/v1/jwt' } as const

/**
 * Body of `POST /v1/jwt`. The inner keys are capitalised, as the original's; they are read without regard to case.
 * `UID` is ours: when it is there, the pod that the API server shows must have it.
 */
export interface JwtRequest {
  readonly subject: {
    /** `<namespace>/<pod name>` */
    readonly ID: string
    readonly Domain: string
    readonly Service: string
    readonly IP: string
    readonly UID?: string
  }
}

export interface JwtAnswer {
  readonly jwt: string
}
