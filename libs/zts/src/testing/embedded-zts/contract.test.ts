import { describeZts } from '../contract.ts'
import { openEmbedded } from '../open-embedded.ts'

describeZts('the embedded zts', () => openEmbedded())
