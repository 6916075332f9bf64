/** Runs a sign-in and asks the public documents, and prints the files of the lab that were loaded for it. */
import { browser, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider({ env: { LAB: process.env.LAB ?? 'false' } })
await tokensOf(op, browser(op))
for (const path of [
  '/jwks.json',
  '/.well-known/openid-configuration',
  '/lab/trouble',
  '/lab/clock',
  '/lab/client',
])
  await op.fetch(path)
const loaded = Object.keys(require.cache).flatMap(
  (path) => /features\/(lab_(?:client|clock|trouble)\/.+)/.exec(path)?.[1] ?? [],
)
process.stdout.write(JSON.stringify(loaded.toSorted()))
