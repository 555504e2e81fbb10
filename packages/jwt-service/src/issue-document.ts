/** One request for a document, from the agent's certificate to the signature; each step is a reason to refuse. */
import { formatSubject, IdentityError } from '@pallas/identity'
import type { PeerIdentity } from '@pallas/service'
import { parseJwtRequest } from '@pallas/wire'
import type { SigningFacts } from './events.ts'
import { findSubject, type FindSubjectDeps } from './find-subject.ts'
import type { NodeOfAgent } from './node-of-agent.ts'
import type { SignDocument } from './signer.ts'

export interface IssueDocumentDeps extends FindSubjectDeps {
  readonly nodeOfAgent: NodeOfAgent
  readonly isRevoked: (node: string) => boolean
  readonly sign: SignDocument
}

/** What an agent asks, and who it is. */
export interface AgentRequest {
  readonly peer: Pick<PeerIdentity, 'commonName' | 'dns'>
  readonly body: unknown
  /** Told what becomes known on the way, for the record of how it ended. */
  readonly note: (facts: SigningFacts) => void
}

/** Resolves with the document; every refusal is an `IdentityError`. */
export async function issueDocument({ peer, body, note }: AgentRequest, deps: IssueDocumentDeps): Promise<string> {
  if (peer.commonName !== undefined) note({ peer: peer.commonName })
  const asked = parseJwtRequest(body)
  note({ pod: `${asked.namespace}/${asked.name}` })
  const node = await deps.nodeOfAgent(peer.dns)
  note({ node })
  if (deps.isRevoked(node)) throw new IdentityError('AGENT_REVOKED', 'the agent gets no more documents', { dns: peer.dns })

  const { subject, uid, seen } = await findSubject(asked, node, deps)
  const { document, jti, keyId } = await deps.sign({ sub: formatSubject(subject), node, uid })
  note({ podUid: uid, seen, jti, keyId })
  return document
}
