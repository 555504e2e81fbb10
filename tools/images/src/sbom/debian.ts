/** Packages of the distribution, as its index knows them. */
import type { DebianPackage } from '../debian.ts'
import type { Component } from './component.ts'

export const debianComponent = ({ name, version, architecture, sha256 }: DebianPackage): Component => ({
  kind: 'deb',
  name,
  version,
  licence: undefined,
  checksum: { algorithm: 'SHA256', hex: sha256 },
  comment: `its licences: /usr/share/doc/${name}/copyright in the image`,
  purl: `pkg:deb/debian/${name.replaceAll('+', '%2B')}@${encodeURIComponent(version)}?arch=${architecture}`,
})
