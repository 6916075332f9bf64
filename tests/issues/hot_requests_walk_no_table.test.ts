/** A table has more than a hundred endpoints: no token, userinfo, introspection or authorization request walks it. Issue 7, section 4 */
import { expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { buildTable, featureEntries, featuresFor, featuresLeftOut } from '../../src/table.ts'
import { browser, introspect, operatorClient, post, refresh, tokensOf, userinfo } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

test('requests of a flow do not walk the table of endpoints', async () => {
  const config = loadConfig({ LAB: 'false' }, { featureEntries })
  let walks = 0
  const { endpoints, ...rest } = buildTable(featuresFor(config), featuresLeftOut(config))
  const table = {
    ...rest,
    get endpoints() {
      // The tests listen to checks, and so have the challenge of each refusal made that never happens.
      if (!new Error().stack?.includes('at challenge')) walks += 1
      return endpoints
    },
  }
  const op = await provider({ table })
  const client = await operatorClient(op, {
    client_id: 'hot',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    first_party: true,
  })
  const who = browser(op)
  const flow = async () => {
    const tokens = await tokensOf(op, who, client)
    const renewed = await refresh(op, client, tokens.refresh_token)
    const own = await post(op, '/token', client, { grant_type: 'client_credentials' })
    const person = await userinfo(op, tokens.access_token)
    const { active } = await introspect(op, tokens.access_token, client)
    expect([renewed.status, own.status, person.status, active]).toEqual([200, 200, 200, true])
  }
  await flow() // what is found once is found now
  walks = 0
  await flow()
  expect(walks).toBe(0)
})
