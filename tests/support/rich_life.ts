/** An account with something of everything that an End-User leaves here. */
import { expect } from 'bun:test'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { User } from '../../src/models/user.ts'
import { pageOf, setUpApp, withPassword } from './authenticator.ts'
import { addClient, begin } from './backchannel.ts'
import { bearer, browser, operatorClient, read, tokensOf } from './flow.ts'
import { addPasskey, provePasskey } from './passkeys.ts'
import { alice, person, type Person } from './person.ts'
import type { Provider } from './provider.ts'
import type { secondLatchkey } from './upstream.ts'

type Upstream = Awaited<ReturnType<typeof secondLatchkey>>

/** Signs in as Alice and uses each feature; `up` is the upstream provider `corp`. */
export async function liveRichly(op: Provider, who: Person, up: Upstream): Promise<void> {
  await withPassword(who)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  await Administrators.set(op.context, sub, 'support')
  const profile = pageOf(await who.open('/account/profile'))
  await who.press(profile, 'save', { name: 'Alice Anders', website: 'https://alice.example/' })
  const connections = pageOf(await who.open('/account/connections'))
  const { location } = await who.press(connections, 'connect_corp')
  const back = await person(up.issuer, up.fetch).goThrough(location!.href, alice)
  await who.open(back.href)
  await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
  await setUpApp(op, who) // last: from here on it is asked for
  const email = pageOf(await who.open('/account/email'))
  await who.press(email, 'change', { email: 'alice@new.example' })
  const cloud = await operatorClient(op, {
    client_id: 'cloud',
    scope: 'openid profile offline_access data_export',
    backchannel_logout_uri: `${up.issuer}/nowhere`,
  })
  const { access_token } = await tokensOf(op, who, cloud, { scope: 'openid offline_access data_export' })
  expect((await read(await op.fetch('/user/data-export', bearer(access_token)))).status).toBe(200)
  await addClient(op)
  expect((await begin(op)).status).toBe(200)
  const stranger = browser(op)
  await withPassword(stranger, { ...alice, password: 'not hers' })
  const forgot = pageOf(await stranger.open('/forgot_password'))
  await stranger.press(forgot, 'send', { username: 'alice' })
  await answerRequests(op.context)
}
