/** A job without an End-User: it counts the stock, and ends. A scheduler starts it each night. */
import { createCalls } from './calls.ts'
import { createLog } from './log.ts'
import { issuer, ownKey, resources } from './settings.ts'
import { inTrace, newTrace } from './trace.ts'

const log = createLog('nightly')
const calls = await createCalls(issuer, 'nightly', ownKey('nightly'))

await inTrace(newTrace(), async () => {
  const answer = await calls.forItself({
    resource: resources.stock,
    scope: 'read:stock',
    method: 'GET',
    path: '/levels',
  })
  log('counted', { status: answer.status, levels: await answer.text() })
  process.exitCode = answer.ok ? 0 : 1
})
