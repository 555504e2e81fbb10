/** The promises that every ZTS keeps to its clients, embedded or real, judged through the client and by openssl. */
import { describe } from 'vitest'
import { describeKeyOwner } from './contract-key-owner.ts'
import { describeDelete, describeLineage } from './contract-lineage.ts'
import { describeProviderAnswers } from './contract-provider.ts'
import { describeRegister } from './contract-register.ts'
import { describePublished } from './contract-published.ts'
import { describeRoleCertificates } from './contract-roles.ts'
import { describeTokens } from './contract-tokens.ts'
import type { ZtsUnderTest } from './contract-world.ts'

export type { ZtsUnderTest }

export function describeZts(name: string, open: () => Promise<ZtsUnderTest>): void {
  describe(`${name} keeps the zts contract`, () => {
    describeRegister(open)
    describeProviderAnswers(open)
    describeLineage(open)
    describeDelete(open)
    describeKeyOwner(open)
    describeRoleCertificates(open)
    describeTokens(open)
    describePublished(open)
  })
}
