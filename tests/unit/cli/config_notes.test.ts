/** What `config check` notes: access tokens that an RSA key signs where an elliptic curve may. */
import { expect, test } from 'bun:test'
import { notesOn } from '../../../src/cli/config_notes.ts'
import { loadConfig } from '../../../src/config.ts'

const notes = (env: Record<string, string>) => notesOn(loadConfig(env))

test('JWT access tokens of RSA: the algorithms that cost less are named', () => {
  for (const env of [{}, { ACCESS_TOKEN_ALG: 'PS256' }, { PROFILE: 'fapi2' }])
    expect(notes(env)).toEqual([expect.stringContaining('ES256 or EdDSA') as string])
  expect(notes({ ACCESS_TOKEN_ALG: 'PS256' })[0]).toStartWith('ACCESS_TOKEN_ALG is PS256')
})

test('only an algorithm that SIGNING_ALGS allows is named', () => {
  expect(notes({ SIGNING_ALGS: 'RS256 EdDSA' })[0]).not.toContain('ES256')
  expect(notes({ SIGNING_ALGS: 'RS256 EdDSA' })[0]).toContain('EdDSA')
  expect(notes({ SIGNING_ALGS: 'RS256 PS256' })).toEqual([])
})

test('no note where nothing is to be gained: elliptic curves, opaque access tokens', () => {
  for (const env of [
    { ACCESS_TOKEN_ALG: 'ES256' },
    { ACCESS_TOKEN_ALG: 'EdDSA' },
    { ACCESS_TOKEN_FORMAT: 'opaque' },
  ])
    expect(notes(env)).toEqual([])
})
