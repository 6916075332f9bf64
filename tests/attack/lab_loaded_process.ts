/** Asks for the page of the first refusal, runs a sign-in and asks the public documents; prints the status of the page and the files of the lab that were loaded for all. */
import { browser, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider({ env: { LAB: process.env.LAB ?? 'false' } })
// The refusal loads what notes it. Its page is asked for at once.
const refused = await op.fetch('/authorize')
const { status } = await op.fetch(`/lab/error?id=${refused.headers.get('x-request-id')}`)
await tokensOf(op, browser(op))
for (const path of [
  '/jwks.json',
  '/.well-known/openid-configuration',
  '/lab/trouble',
  '/lab/clock',
  '/lab/client',
  '/lab/errors',
  '/lab/flows',
  '/lab/token',
  '/lab/worksheet',
])
  await op.fetch(path)
const loaded = Object.keys(require.cache).flatMap(
  (path) =>
    /(?:src\/features\/(?=lab_\w)|src\/(?=models\/recording\/|flow\/lessons\/))(.+)/.exec(path)?.[1] ?? [],
)
process.stdout.write(JSON.stringify({ status, loaded: loaded.toSorted() }))
