import { TestCa } from '@pallas/x509/testing'
import type { ServerCredentials } from './embedded-api-server/index.ts'

/** A new authority and a server certificate of it for 127.0.0.1 and `localhost`, and for `dns` names. */
export async function loopbackCredentials(
  dns: readonly string[] = [],
): Promise<ServerCredentials & { readonly ca: TestCa }> {
  const ca = await TestCa.create({ name: 'loopback test ca' })
  const names = { dns: ['localhost', ...dns], ip: ['127.0.0.1'] }
  const { keyPem, certPem } = await ca.issue({ commonName: 'loopback', usages: ['serverAuth'], ...names })
  return { keyPem, certPem, caPem: ca.certPem, ca }
}
