/** The list of the requests that failed last: also those whose answer a browser did not show to its page. */
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import type { Failure } from './failure.ts'
import { memoryOf } from './memory.ts'
import { errorPath, errorsPath } from './paths.ts'
import { listView } from './view.ts'

const most = 100

const about = ({ request, clientId, at, problem, expected }: Failure): string =>
  [
    `${request.method} ${request.path}`,
    clientId ?? 'no client',
    new Date(at).toISOString(),
    problem ?? expected,
  ].join(' · ')

export async function show(context: Context): Promise<Reply> {
  const { failures, reading } = memoryOf(context)
  await Promise.all(reading.values())
  const list = failures.latest(most)
  return labPage(context, {
    current: errorsPath,
    title: 'Failed requests',
    main: listView(
      list.length === 0
        ? 'No request has failed since this instance started.'
        : 'The newest first. Each page says what was expected, what came, and what probably went wrong.',
      list.map((each) => ({
        path: `${context.basePath}${errorPath}?id=${encodeURIComponent(each.id)}`,
        title: each.code,
        about: about(each),
      })),
    ),
  })
}
