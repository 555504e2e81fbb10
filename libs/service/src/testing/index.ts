export { type TlsDirectory, tlsDirectory } from './tls-directory.ts'
