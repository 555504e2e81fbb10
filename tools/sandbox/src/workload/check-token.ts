/**
 * Demo workload: whether an access token is signed by ZTS, asked of the keys that ZTS publishes; prints what it says.
 * Arguments: file of the roots of ZTS, URL of its keys, audience that must stand in the token, the token.
 */
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { Agent, request } from 'undici'

const [rootsFile = '', keysUrl = '', audience = '', token = ''] = process.argv.slice(2)
const dispatcher = new Agent({ connect: { ca: readFileSync(rootsFile, 'utf8') } })
const { body } = await request(keysUrl, { dispatcher, headersTimeout: 5_000, bodyTimeout: 5_000 })
const keys = createLocalJWKSet((await body.json()) as JSONWebKeySet)
await dispatcher.close()
const { payload } = await jwtVerify(token, keys, { audience, typ: 'at+jwt' })
console.log(JSON.stringify(payload))
