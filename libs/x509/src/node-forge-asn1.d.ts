/** The part of node-forge's ASN.1 that tests hold ours against: DER in and out, as binary strings. */
declare module 'node-forge/lib/asn1.js' {
  export interface Asn1 {
    readonly tagClass: number
    readonly type: number
    readonly constructed: boolean
    readonly value: string | Asn1[]
  }
  interface ReadOptions {
    readonly strict: boolean
    readonly parseAllBytes: boolean
    readonly decodeBitStrings: boolean
    readonly maxDepth: number
  }
  const asn1: {
    toDer(node: Asn1): { getBytes(): string }
    fromDer(bytes: string, options: ReadOptions): Asn1
  }
  export default asn1
}
