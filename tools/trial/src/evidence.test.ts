import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { judge, meetingIn } from './evidence.ts'

const names = { commonName: 'athenz.trial.web', dns: ['web.athenz-trial.svc.cluster.local'], uri: ['spiffe://athenz.trial/sa/web'] }

test('a certificate of the authority is told with its names, and openssl agrees', async () => {
  const ca = await TestCa.create({ name: 'Trial' })
  const { certPem } = await ca.issue(names)
  expect(await judge(certPem, ca.certPem, 'athenz.trial.web')).toMatchObject({
    subject: 'CN=athenz.trial.web',
    names: ['web.athenz-trial.svc.cluster.local', 'spiffe://athenz.trial/sa/web'],
    issuer: 'CN=Trial',
    verdict: expect.stringMatching(/^openssl verify: OK$|^signature verified by Node/),
  })
})

test('a certificate of somebody else, or of another authority by the same name, shows nothing', async () => {
  const [ca, impostor] = [await TestCa.create({ name: 'Trial' }), await TestCa.create({ name: 'Trial' })]
  const other = await ca.issue({ ...names, commonName: 'athenz.trial.client' })
  await expect(judge(other.certPem, ca.certPem, 'athenz.trial.web')).rejects.toMatchObject({ code: 'TRIAL_NOT_VERIFIED' })
  const forged = await impostor.issue(names)
  await expect(judge(forged.certPem, ca.certPem, 'athenz.trial.web')).rejects.toMatchObject({ code: 'TRIAL_NOT_VERIFIED' })
})

test('the two have met when each knew the other by its name', () => {
  const log = ['{"failed":"getaddrinfo ENOTFOUND"}', '{"reached":"athenz.trial.web","youAre":"athenz.trial.client"}', ''].join('\n')
  expect(meetingIn(log)).toEqual({ reached: 'athenz.trial.web', youAre: 'athenz.trial.client' })
  expect(meetingIn('{"reached":"athenz.trial.web","youAre":"athenz.trial.web"}\n')).toBeUndefined()
  expect(meetingIn('')).toBeUndefined()
})
