/** What was weak in the original suite, and what stops it here. The numbers are the field's own list of it. */
export interface Weakness {
  readonly was: string
  readonly now: string
  /** Why no test can show it: then none is asked for. */
  readonly cannotApply?: string
}

export const WEAKNESSES: Readonly<Record<`W${number}`, Weakness>> = {
  W1: { was: 'path traversal in the handle', now: '43 characters of base64url or nothing, judged on the undecoded request line; state lies outside what a pod can write' },
  W2: { was: 'a pod could unlink or replace the agent’s socket', now: 'a listener per volume, and only volumes that the kubelet keeps read-only for every mount of every container; a shared directory is bound read-only too' },
  W3: { was: '`MS_BIND|MS_RDONLY` in one call left volumes writable', now: 'bound, then made read-only, nosuid, nodev, noexec, and shown only once it is so' },
  W4: { was: 'whoever knew a handle was the pod', now: 'keyed handles that give no right: listener and kernel must both name the pod' },
  W5: { was: 'any node’s certificate got a document for any pod', now: 'the node comes from the agent’s certificate, and the API server must place the pod there' },
  W6: { was: 'the callback looked at no SAN and no provider', now: 'provider, instance id and the sets of DNS, IP and URI names must be exactly those of the pod' },
  W7: { was: 'a document could be used again with another key', now: 'a document has an id and one use, held at the API server across replicas and restarts' },
  W8: { was: 'a pod was its name and address', now: 'UID, phase, node and deletion are checked at every issue; the instance id is the UID; ended instances are deleted at ZTS' },
  W9: { was: 'unmount failed for ever after a first failure', now: 'unmount reads the mount table, deepest first, and succeeds when nothing is left' },
  W10: { was: 'a recursive delete could cross a live mount', now: 'known names only, and never with a mount below' },
  W11: { was: 'mount undid nothing when a step failed', now: 'built aside, renamed into place, undone at any failure' },
  W12: { was: 'the kubelet changed owners through the mount', now: '`fsGroup: false`, `selinuxRelabel: false`' },
  W13: { was: 'the SIA had to be root', now: 'id and socket can be used by any user of the pod, because the kernel says who calls' },
  W14: { was: 'pod names in mount options were believed', now: 'the UID must be in the mount path, and the API server confirms the rest before anything is issued' },
  W15: { was: 'any pod could declare the volume', now: 'it may: a volume gives its pod its own identity and nobody else’s; who may have one is decided by Athenz policies' },
  W16: { was: 'private keys were made in the agent and sent back for each refresh', now: 'the key is made in the pod and stays there; the original form is a setting of the SIA' },
  W17: { was: 'key files could be read by anyone', now: '0600, or 0640 where the directory belongs to an fsGroup' },
  W18: { was: 'an unreadable signing key was echoed to the pod', now: 'errors name no input; bodies of internal failures hold a request id only' },
  W19: { was: 'the verifier could read the signing key', now: 'nobody in the suite may read secrets; the callback has public keys only' },
  W20: { was: 'the kubelet was asked in plain text', now: 'TLS with roots, token and the node’s name; the plain port is a setting that announces itself' },
  W21: { was: 'parallel calls minted several certificates', now: 'one call of ZTS per instance at a time; equal keys share the answer' },
  W22: { was: 'unbounded bodies, times and rates', now: 'limits on size, time, connections, rate and queue, each per pod or namespace' },
  W23: { was: 'a stale socket kept the agent from starting', now: 'a socket that nobody answers on is removed; its mode is set' },
  W24: { was: 'errors were dropped and calls went on without a certificate', now: 'a pair that does not match is refused; roots are those given, or the call fails' },
  W25: { was: 'EC keys and PKCS#8 broke everything', now: 'ES256 and P-256 by default; PKCS#8, SEC1 and PKCS#1 are read' },
  W26: { was: 'no leeway for clocks, documents without end, crashes on crafted headers', now: '30 s of leeway, every time claim is required, a document is parsed before anything is believed' },
  W27: { was: 'an outage of the API server looked like a denial', now: '504 for what is unavailable, 403 for what is denied' },
  W28: { was: 'no probe could reach health, and there were no metrics', now: 'a listener of its own for health, readiness and metrics in every server; request ids in every record' },
  W29: { was: 'a pod without an address yet crashed its init container', now: 'the agent waits for the address, within bounds' },
  W30: { was: 'renewals unrelated to the life of what they renew, and all at once', now: 'drawn once per serial, around half of the life of the shortest-lived member, with retries in between' },
  W31: { was: 'certificate and key replaced one after the other', now: 'one generation directory, one symlink swap; the pair is checked as one' },
  W32: { was: 'old ciphers, roots read once, common names only', now: 'TLS 1.2 with forward secrecy or 1.3; roots are followed; names are read from the certificate' },
  W33: { was: 'two namespaces could stand for one domain', now: 'a namespace that would collide is refused' },
  W34: { was: 'DNS names of dashed domains are ambiguous', now: 'the name is what ZTS checks; identity is judged by domain and service, never by the DNS name' },
  W35: { was: 'pods everywhere waited for one initializer', now: 'a webhook without state, in replicas, for pods that opted in' },
  W36: { was: '`removeImages` removed nothing, and collisions hung pods in silence', now: 'it removes; a collision is a refusal with a message' },
  W37: { was: 'configuration read once; the sidecar became the default container', now: 'configuration is followed; the refresher is a native sidecar and the first container stays the application’s' },
  W38: { was: 'the test double gave away the CA’s key and authenticated nobody', now: 'the embedded ZTS enforces the real one’s rules, is a harness, and is in no image but the trial’s, which says so' },
  W39: { was: 'no tests', now: 'every promise has one; a run ends with their number, and a file that looks like a test must run', cannotApply: '`npm run check`: a line of these tables without a test fails it, and so does a test that would not run' },
  W40: { was: 'orphaned volumes stayed for ever, the driver was copied unconditionally', now: 'orphans are told, a volume’s tree goes with its unmount; the driver is installed by rename when it differs, and never through a symlink' },
}
