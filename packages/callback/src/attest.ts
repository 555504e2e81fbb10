/** Which pod the attestation data vouches for: a document of ours, or the service account token of an agent's own pod. */
import { type DocumentClaims, formatSubject, IdentityError, type NameRules, parseSubject, type Pod, subjectOf } from '@pallas/identity'
import type { InstanceConfirmation } from '@pallas/zts'
import { parseCompactJws } from './compact-jws.ts'
import type { ConfirmationFacts } from './events.ts'
import type { PublicKeys } from './public-keys.ts'
import { isTokenHeader } from './service-account-token.ts'
import type { UseOnce } from './single-use.ts'
import { verifyDocument } from './verify-document.ts'
import { verifyToken, type VerifyTokenDeps } from './verify-token.ts'

export interface AttestDeps extends Omit<VerifyTokenDeps, 'provider'> {
  /** The Athenz service that we are. */
  readonly provider: string
  readonly keyOf: PublicKeys['keyOf']
  readonly useOnce: UseOnce
}

export interface Attested {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
  /** For the record of how it ended. */
  readonly facts: ConfirmationFacts
  /** Throws when what was said of the pod is not so now, beyond what all attestation data says. */
  readonly check: (pod: Pod, rules: NameRules) => void
  /** Takes the one use, where there is but one: false when it was taken before. */
  readonly use: () => Promise<boolean>
}

type Request = Pick<InstanceConfirmation, 'attestationData' | 'attributes'>

/** Throws `IdentityError` with a reason. Nothing is believed before it is verified, nor kept when it is not. */
export async function attest({ attestationData: text, attributes }: Request, rules: NameRules, deps: AttestDeps): Promise<Attested> {
  if (text === undefined) throw new IdentityError('DOCUMENT_MISSING', 'no attestation data')
  const jws = parseCompactJws(text)
  if (jws === undefined || !isTokenHeader(jws.header)) return byDocument(verifyDocument(text, { keyOf: deps.keyOf, now: deps.clock.now() }), deps)
  const { serviceAccount, ...holder } = await verifyToken({ text, jws, instanceId: attributes.instanceId }, rules, deps)
  return {
    ...holder,
    facts: { podUid: holder.uid, node: holder.node, pod: `${holder.namespace}/${holder.name}` },
    check(pod) {
      if (pod.serviceAccount !== serviceAccount) throw new IdentityError('TOKEN_ACCOUNT', 'the pod has another account')
    },
    use: () => Promise.resolve(true),
  }
}

function byDocument(claims: DocumentClaims, { useOnce }: Pick<AttestDeps, 'useOnce'>): Attested {
  const { jti, uid, node } = claims
  const subject = parseSubject(claims.sub)
  return {
    namespace: subject.namespace,
    name: subject.name,
    uid,
    node,
    facts: { jti, podUid: uid, node, pod: `${subject.namespace}/${subject.name}` },
    check(pod, rules) {
      if (claims.sub === formatSubject(subjectOf(pod, rules))) return
      throw new IdentityError('SUBJECT_MISMATCH', 'the document says otherwise of the pod', { ...subject })
    },
    use: () => useOnce(claims),
  }
}
