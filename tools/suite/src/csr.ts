/** CSRs that a workload would send, and such as it must not. */
import { CSR_LABEL, createCsr, type CsrNames, fromPem, toPem } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'

/** A new key each time. */
export const csrFor = (names: CsrNames): Promise<string> => createCsr(names, nodeKey())

/** The last byte of the signature is another. */
export async function csrWithBrokenSignature(names: CsrNames): Promise<string> {
  const der = fromPem(await csrFor(names), CSR_LABEL)
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  return toPem(CSR_LABEL, der)
}
