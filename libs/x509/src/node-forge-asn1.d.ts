/** The part of node-forge's ASN.1 room that we use: DER in and out, as binary strings. */
declare module 'node-forge/lib/asn1.js' {
  interface Asn1 {
    readonly tagClass: number
    readonly type: number
    readonly constructed: boolean
    readonly composed: boolean
    value: string | Asn1[]
  }
  interface ByteBuffer {
    getBytes(): string
    length(): number
  }
  const asn1: {
    readonly Class: { readonly UNIVERSAL: 0; readonly CONTEXT_SPECIFIC: 128 }
    create(tagClass: number, type: number, constructed: boolean, value: string | Asn1[]): Asn1
    toDer(node: Asn1): ByteBuffer
    fromDer(bytes: string, options?: { strict?: boolean; parseAllBytes?: boolean; decodeBitStrings?: boolean; maxDepth?: number }): Asn1
    oidToDer(oid: string): ByteBuffer
    derToOid(bytes: string): string
  }
  export default asn1
}
