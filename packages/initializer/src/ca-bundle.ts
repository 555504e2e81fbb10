/** The bundle of authorities by which the API server knows this webhook, shared by all replicas: what it becomes, as a rule. */
import { type Certificate, OID, readCertificate } from '@pallas/x509'
import { BACKDATED_MS, shortNameOf, SKEW_MS, UNIT } from './serving-pair.ts'

export interface BundleNeeds {
  /** PEM of the authorities of this replica that must be there. */
  readonly wanted: readonly string[]
  /** PEM of those of this replica that nothing is served under any more. */
  readonly retired: readonly string[]
  /** At its start a replica removes what an earlier process of its own pod left there. */
  readonly formerOf?: string | undefined
  /** Epoch milliseconds, by the clock of this replica. */
  readonly now: number
  /** The same by that of the API server; undefined: nobody knows, and nothing is said to be over. */
  readonly serverNow: number | undefined
  /** Of this replica's certificates. */
  readonly lifeMs: number
}

export type BundlePlan =
  | {
      readonly kind: 'plan'
      readonly bundle: string
      /** How many of ours were lacking. */
      readonly added: number
      readonly removed: number
      /** How many certificates the bundle then holds. */
      readonly entries: number
    }
  /** There is no room, and nobody in it who is known to be gone. */
  | { readonly kind: 'full' }

/** More replicas than anybody runs, several times over; some 100 kB. */
export const BUNDLE_LIMIT = 100

/**
 * What is there stays there, byte by byte, whoever put it there: only authorities of initializers go, when they have expired, when
 * their replica says so, and, where there is no room otherwise, when a living replica would have renewed them long since, or
 * when they would live for longer than any. What is over is so by two clocks: one that is fast shuts nobody out.
 */
export function planBundle(bundle: string, { wanted, retired, formerOf, ...times }: BundleNeeds, readBlock = readerOfBlocks()): BundlePlan {
  const { earliest, longest } = boundsOf(times)
  const blocks = (bundle.match(BLOCK) ?? []).map((text) => ({ text, key: keyOf(text), ours: readBlock(text) }))
  const keys = blocks.map(({ key }) => key)
  const lacking = wanted.filter((pem) => !keys.includes(keyOf(pem)))
  const [needed, past] = [wanted.map(keyOf), retired.map(keyOf)]
  const others = blocks.filter(({ key }) => !needed.includes(key))
  const goes = others.filter(({ key, ours }) => past.includes(key) || (ours !== undefined && (ours.notAfter + SKEW_MS < earliest || ours.pod === former(formerOf))))
  const stays = others.filter((block) => !goes.includes(block) && block.ours !== undefined)
  const surplus = wanted.length + stays.length - BUNDLE_LIMIT
  if (surplus > 0 && lacking.length > 0) {
    const age = ({ ours }: { readonly ours: OwnBlock | undefined }): number => ours?.lateAt ?? 0
    const gone = stays.filter(({ ours }) => ours !== undefined && (ours.lateAt < earliest || ours.notAfter > longest)).sort((a, b) => age(a) - age(b))
    if (gone.length < surplus) return { kind: 'full' }
    goes.push(...gone.slice(0, surplus))
  }
  const kept = goes.reduce((text, block) => text.replace(block.text, ''), bundle)
  const text = lacking.reduce(appended, kept)
  return { kind: 'plan', bundle: text, added: lacking.length, removed: goes.length, entries: blocks.length - goes.length + lacking.length }
}

/** Another replica may have been told another life, not any: whoever can write here could fill it for years otherwise. */
const LONGEST_LIVES = 2

const boundsOf = ({ now, serverNow = -Infinity, lifeMs }: Pick<BundleNeeds, 'now' | 'serverNow' | 'lifeMs'>) => ({
  earliest: Math.min(now, serverNow),
  longest: Math.max(now, serverNow) + LONGEST_LIVES * lifeMs,
})

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\r?\n?/g

/** A certificate, however its lines end. */
const keyOf = (pem: string): string => pem.replaceAll(/\s/g, '')

const appended = (bundle: string, pem: string): string => `${bundle}${bundle === '' || bundle.endsWith('\n') ? '' : '\n'}${pem}`

const former = (pod: string | undefined): string | undefined => (pod === undefined ? undefined : shortNameOf(pod))

/** An authority of an initializer. */
interface OwnBlock {
  readonly pod: string
  readonly notAfter: number
  /** When a replica that lives would have another one. */
  readonly lateAt: number
}

/** Half of life is when a replica renews, give or take a tenth. */
const LATE = 0.75

export type ReadBlock = (text: string) => OwnBlock | undefined

/** Remembers what it has read: a bundle is looked at every few seconds, and hardly ever another one. */
export function readerOfBlocks(): ReadBlock {
  let known = new Map<string, OwnBlock | undefined>()
  return (text) => {
    if (known.size > 4 * BUNDLE_LIMIT) known = new Map()
    if (!known.has(text)) known.set(text, ownBlockOf(text))
    return known.get(text)
  }
}

function ownBlockOf(text: string): OwnBlock | undefined {
  const certificate = certificateIn(text)
  if (certificate === undefined || !certificate.isCa) return undefined
  const { subject, commonName = '', notBefore, notAfter } = certificate
  if (!subject.some(({ oid, value }) => oid === OID.organizationalUnit && value === UNIT)) return undefined
  const madeAt = notBefore + BACKDATED_MS
  return { pod: commonName.slice(0, Math.max(0, commonName.lastIndexOf('.'))), notAfter, lateAt: madeAt + LATE * (notAfter - madeAt) }
}

/** Undefined for one that cannot be read here: it is not ours. */
function certificateIn(text: string): Certificate | undefined {
  try {
    return readCertificate(text)
  } catch {
    return undefined
  }
}
