/** The list of what an image holds, as SPDX 2.3 in JSON. Nothing of when, where or by whom: the same image, the same list. */
import type { Component } from './component.ts'

export interface ListedImage {
  readonly name: string
  readonly version: string
  /** `sha256:…` of its manifest. */
  readonly digest: string
  /** The project's own programs in it. */
  readonly programs: readonly Component[]
  /** What it holds besides, in them or beside them. */
  readonly components: readonly Component[]
}

const NOT_SAID = 'NOASSERTION'
const IMAGE = 'SPDXRef-image'

export function spdxDocument(image: ListedImage): string {
  const all = [...image.programs, ...image.components]
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${image.name} ${image.version}`,
    documentNamespace: `urn:pallas:image:${image.name}:${image.digest}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: pallas-images'] },
    documentDescribes: [IMAGE],
    packages: [imagePackage(image), ...all.map(packageOf)],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: IMAGE },
      ...all.map((component) => ({ spdxElementId: IMAGE, relationshipType: 'CONTAINS', relatedSpdxElement: refOf(component) })),
    ],
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

const unanalysed = { downloadLocation: NOT_SAID, filesAnalyzed: false, copyrightText: NOT_SAID, licenseConcluded: NOT_SAID }

const imagePackage = ({ name, version, digest }: ListedImage) => ({
  SPDXID: IMAGE,
  name,
  versionInfo: version,
  primaryPackagePurpose: 'CONTAINER',
  ...unanalysed,
  licenseDeclared: NOT_SAID,
  checksums: [{ algorithm: 'SHA256', checksumValue: digest.slice('sha256:'.length) }],
})

function packageOf(component: Component) {
  const { name, version, licence = NOT_SAID, checksum, purl, comment } = component
  return {
    SPDXID: refOf(component),
    name,
    versionInfo: version,
    ...unanalysed,
    licenseDeclared: licence,
    ...(comment === undefined ? {} : { comment }),
    ...(checksum === undefined ? {} : { checksums: [{ algorithm: checksum.algorithm, checksumValue: checksum.hex }] }),
    ...(purl === undefined
      ? {}
      : { externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }] }),
  }
}

/** Letters, digits, dots and dashes are all that an SPDX reference may hold. */
const refOf = ({ kind, name, version }: Component): string =>
  `SPDXRef-${kind}-${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]/g, '-')
