/** Issue 8, A.20: subjects such as "undefined" of a broken provider made one account for all its people. */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { attempt, corp } from '../support/corp.ts'
import { person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { comeBack, leaveFor, server, upstreamEnv, whoIs } from '../support/upstream.ts'

const empty = [
  'undefined',
  'null',
  'NaN',
  ' ',
  'None',
  'nil',
  '<nil>',
  '(null)',
  'NULL ',
  '"undefined"',
  '[object Object]',
  '{}',
  '[]',
  '0',
  '\u00a0',
  '\u200b',
  '\t\n',
  '-',
  'ｎｕｌｌ',
  '00000000-0000-0000-0000-000000000000',
  'anonymous',
  '${user.id}',
  '{{sub}}',
  '%ID%',
]

describe('in an ID Token', () => {
  test.each(empty)('%j signs nobody in', async (sub) => {
    const at = corp()
    at.claims = { sub }
    const { op, landing, who } = await attempt(at)
    expect([landing.page?.status, who]).toEqual([502, undefined])
    expect(op.lines.join('\n')).toContain('names no End-User')
    expect(await User.list(op.context)).toHaveLength(2)
  })

  test.each([
    '42',
    'nilsson',
    'null-and-void',
    'Undefined Behaviour',
    '00000000-0000-0000-0000-000000000001',
    '{8a7f2b1c-0000-4000-8000-000000000000}',
    'anonymous2',
    '-5',
  ])('%j does', async (sub) => {
    const at = corp()
    at.claims = { sub }
    expect((await attempt(at)).who).toBe('eve')
  })
})

test.each(['undefined', 'null', ' ', 0, '0', null, true, [], {}, Number.NaN].map((id) => ({ id })))(
  'of userinfo at a provider without ID Tokens: %j signs nobody in',
  async ({ id }) => {
    const at = server()
    at.routes['/token'] = () => ({ access_token: 'a', token_type: 'Bearer' })
    at.routes['/user'] = () => ({ id, login: 'eve' })
    const member = {
      id: 'old',
      provider: 'oauth2',
      authorization_endpoint: `${at.origin}/authorize`,
      token_endpoint: `${at.origin}/token`,
      userinfo_endpoint: `${at.origin}/user`,
      subject_claim: 'id',
    }
    const op = await provider({ env: upstreamEnv([member], [at]) })
    const browser = person(op.issuer, op.fetch)
    const { page } = await comeBack(op, browser, 'old', await leaveFor(browser, 'old'))
    expect([page?.status, await whoIs(browser)]).toEqual([502, undefined])
    at.stop()
  },
)
