/** One thing that an image holds, as a list of its parts names it. */
export interface Component {
  readonly kind: 'npm' | 'cargo' | 'deb' | 'generic' | 'program'
  readonly name: string
  readonly version: string
  /** An SPDX expression; undefined where only the licence text says it. */
  readonly licence: string | undefined
  /** Of what it was made from, as its index or lock file says. */
  readonly checksum: { readonly algorithm: 'SHA256' | 'SHA512'; readonly hex: string } | undefined
  readonly comment?: string
  /** Package URL, of what is known to an index. */
  readonly purl: string | undefined
}

const byName = (a: Component, b: Component): number => {
  const [left, right] = [`${a.kind} ${a.name} ${a.version}`, `${b.kind} ${b.name} ${b.version}`]
  return left < right ? -1 : Number(left > right)
}

/** Each once, in one order. */
export const distinct = (components: readonly Component[]): Component[] =>
  [...new Map(components.map((it) => [`${it.kind} ${it.name} ${it.version}`, it])).values()].sort(byName)
