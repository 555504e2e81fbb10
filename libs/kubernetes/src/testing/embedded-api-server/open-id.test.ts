import { expect, test } from 'vitest'
import { createKubeApi } from '../../api.ts'
import { readTokenKeys } from '../../token-keys.ts'
import { reviewToken } from '../../token-reviews.ts'
import { loopbackCredentials } from '../loopback-credentials.ts'
import { startEmbeddedApiServer } from './server.ts'

test('the keys of tokens are served to service accounts, in their own media type, and after a rotation both or the new one', async () => {
  const world = { users: { reader: {} }, namespaces: ['media'], serviceAccounts: [{ namespace: 'media', name: 'web' }] }
  await using server = await startEmbeddedApiServer({ serverCredentials: await loopbackCredentials(), world })
  const reader = server.client('reader')
  await expect(readTokenKeys(reader)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  const audiences = ['pallas']
  const before = await server.mintToken({ namespace: 'media', name: 'web', audiences })
  await using own = createKubeApi({
    server: new URL(server.url),
    ca: server.caPem,
    token: () => server.mintToken({ namespace: 'media', name: 'web' }),
  })
  const [first, ...none] = await readTokenKeys(own)
  expect([first?.algorithm, none]).toEqual(['ES256', []])
  await expect(own.read('/openid/v1/jwks', { accept: 'application/json', maxBytes: 10_000 })).rejects.toMatchObject({ status: 406 })

  await server.rotateTokenKeys('kept')
  const admin = server.client('admin')
  expect(await readTokenKeys(own)).toHaveLength(2)
  expect(await reviewToken(admin, { token: before, audiences })).toMatchObject({ authenticated: true })
  await server.rotateTokenKeys('dropped')
  expect((await readTokenKeys(own)).map(({ id }) => id)).not.toContain(first?.id)
  expect(await reviewToken(admin, { token: before, audiences })).toEqual({ authenticated: false })
})
