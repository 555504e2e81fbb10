/** What we ask of Athenz ZTS. Every call has a deadline and rejects with `ZtsError`, or the reason of the signal. */
export interface Zts {
  /** A first certificate for an instance, or a new lineage: certificates issued before may no longer be refreshed. */
  register(request: RegisterRequest, signal?: AbortSignal): Promise<InstanceIdentity>
  /** The next certificate of a lineage, asked for with the current one over mutual TLS. */
  refresh(request: RefreshRequest, signal?: AbortSignal): Promise<InstanceIdentity>
  /** Forgets the record of an instance; one that is not there is fine. Only the instance's provider may. */
  deleteInstance(instance: InstanceName, signal?: AbortSignal): Promise<void>
  /** A certificate for a service that proves itself with its registered key, by a token it signed. */
  refreshService(request: ServiceRefreshRequest, signal?: AbortSignal): Promise<ServiceCertificate>
}

/** One instance as ZTS keeps it: the key of its certificate record. */
export interface InstanceName {
  /** Fully qualified service of the callback that vouches for the instance. */
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly instanceId: string
}

interface CertificateWish {
  /** PEM PKCS#10. */
  readonly csr: string
  /** Wished life; ZTS, the provider and the domain may each shorten it. */
  readonly expiryMinutes?: number
  /** Also return a service token. */
  readonly token?: boolean
  /** Must be a name that the provider may use, when given. */
  readonly hostname?: string
  /** Where the `ns` part of a trust-domain SPIFFE URI is checked against; `default` when absent. */
  readonly namespace?: string
  readonly cloud?: string
}

export interface RegisterRequest extends CertificateWish {
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly attestationData: string
}

export interface RefreshRequest extends CertificateWish, InstanceName {
  readonly attestationData?: string
  /** The current pair of the lineage, presented on a connection of its own. */
  readonly credentials: { readonly keyPem: string; readonly certPem: string }
}

export interface InstanceIdentity {
  readonly instanceId: string
  /** PEM of the certificate alone. */
  readonly x509Certificate: string
  /** PEM bundle of its issuers; empty when ZTS is set not to send it. */
  readonly x509CertificateSigner: string
  readonly serviceToken?: string
}

export interface ServiceRefreshRequest {
  readonly domain: string
  readonly service: string
  /** PEM PKCS#10 made with the registered key of the service. */
  readonly csr: string
  readonly expiryMinutes: number
  /** N-token of the service, signed with that key. */
  readonly token: string
  /** Header that carries the token; `Athenz-Principal-Auth` when absent. */
  readonly header?: string
}

export interface ServiceCertificate {
  readonly certificate: string
  /** PEM bundle of its issuers; empty when ZTS is set not to send it. */
  readonly caCertBundle: string
}
