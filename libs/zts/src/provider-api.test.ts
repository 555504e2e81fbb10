import { assert as assertProperty, dictionary, jsonValue, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatConfirmationAnswer, parseInstanceConfirmation } from './provider-api.ts'

const asked = { provider: 'k8s.identity', domain: 'shop', service: 'cart' }

describe('reading what ZTS asks', () => {
  test('a registration gives its document, its names and who asked', () => {
    const body = {
      ...asked,
      attestationData: 'doc',
      attributes: {
        instanceId: 'pod-1',
        clientIP: '10.9.8.7',
        sanDNS: 'cart.shop.svc,pod-1.instanceid.athenz.svc',
        sanIP: '10.1.2.3',
        sanURI: 'spiffe://shop/sa/cart,athenz://instanceid/k8s.identity/pod-1',
        hostname: 'h',
        instanceCloud: 'onprem',
      },
    }
    expect(parseInstanceConfirmation(body)).toEqual({
      ...asked,
      attestationData: 'doc',
      attributes: {
        instanceId: 'pod-1',
        clientIp: '10.9.8.7',
        sanDns: ['cart.shop.svc', 'pod-1.instanceid.athenz.svc'],
        sanIp: ['10.1.2.3'],
        sanUri: ['spiffe://shop/sa/cart', 'athenz://instanceid/k8s.identity/pod-1'],
        hostname: 'h',
        principal: undefined,
        cloud: 'onprem',
      },
    })
  })

  test.each([
    ['null', null],
    ['absent', undefined],
    ['empty', ''],
  ])('attestation data that is %s is none (T22)', (_name, attestationData) => {
    const confirmation = parseInstanceConfirmation({ ...asked, attestationData, attributes: {} })
    expect(confirmation.attestationData).toBeUndefined()
  })

  test.each([
    ['no attributes at all', {}],
    ['null attributes', { attributes: null }],
    ['empty and absent lists', { attributes: { sanDNS: '' } }],
    ['null in attributes', { attributes: { sanIP: null } }],
    ['unknown keys', { attributes: { sanEMAIL: 'x' }, more: { nested: true } }],
  ])('%s are no names', (_name, rest) => {
    const { attributes } = parseInstanceConfirmation({ ...asked, ...rest })
    expect([attributes.sanDns, attributes.sanIp, attributes.sanUri]).toEqual([[], [], []])
  })

  test('empty and repeated items of a list stay, so that a comparison sees them', () => {
    const { attributes } = parseInstanceConfirmation({ ...asked, attributes: { sanDNS: 'a,,a,' } })
    expect(attributes.sanDns).toEqual(['a', '', 'a', ''])
  })

  test.each([
    ['no object', 'text', 'body'],
    ['an array', [asked], 'body'],
    ['null', null, 'body'],
    ['no provider', { domain: 'd', service: 's' }, 'provider'],
    ['an empty domain', { ...asked, domain: '' }, 'domain'],
    ['a service that is a number', { ...asked, service: 1 }, 'service'],
    ['an endless service', { ...asked, service: 'a'.repeat(600) }, 'service'],
    ['attestation data that is an object', { ...asked, attestationData: {} }, 'attestationData'],
    ['endless attestation data (W22)', { ...asked, attestationData: 'a'.repeat(300_000) }, 'attestationData'],
    ['attributes that are a list', { ...asked, attributes: [] }, 'attributes'],
    ['an attribute that is a list', { ...asked, attributes: { sanDNS: ['a'] } }, 'sanDNS'],
    ['an endless attribute', { ...asked, attributes: { x: 'a'.repeat(20_000) } }, 'x'],
    ['a crowd of attributes', { ...asked, attributes: Object.fromEntries(Array(65).entries()) }, 'attributes'],
    ['a crowd of names', { ...asked, attributes: { sanDNS: ','.repeat(300) } }, 'sanDNS'],
  ])('%s is refused by name of the key', (_name, body, key) => {
    const refusal = expect.objectContaining({ code: 'BODY_INVALID', fields: { key } })
    expect(() => parseInstanceConfirmation(body)).toThrow(refusal)
  })

  test('any json gives a confirmation or BODY_INVALID (T44)', () => {
    assertProperty(
      property(jsonValue(), dictionary(string(), jsonValue()), (value, attributes) => {
        for (const body of [value, { ...asked, attributes }]) {
          try {
            parseInstanceConfirmation(body)
          } catch (error) {
            expect(error).toMatchObject({ code: 'BODY_INVALID' })
          }
        }
      }),
    )
  })
})

describe('saying yes', () => {
  test('the answer has the five keys and sends no document back (C8)', () => {
    const { attributes } = parseInstanceConfirmation({ ...asked, attestationData: 'doc' })
    const answer = JSON.parse(formatConfirmationAnswer({ ...asked, attributes } as never))
    expect(answer).toEqual({ ...asked, attestationData: '', attributes: {} })
  })

  test('terms travel as the strings that ZTS honours', () => {
    const terms = { expiryMinutes: 60, usage: 'client', refreshable: false, subjectOu: 'pods' } as const
    expect(JSON.parse(formatConfirmationAnswer(asked, terms))).toMatchObject({
      attributes: { certExpiryTime: '60', certUsage: 'client', certRefresh: 'false', certSubjectOU: 'pods' },
    })
  })
})
