/** A classroom from the link to its end: students join, do the lesson, and the board and the CSV say so. docs/classrooms.md */
import { expect, test } from 'bun:test'
import { classroomEnv, join, makeClassroom, teacher } from '../support/classroom.ts'
import { authorize, browser, demo, redeem } from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { acts } from '../support/student.ts'
import { until } from '../support/until.ts'

test('two students join, one does the lesson and the other is stuck; the board, the flow and the CSV say so', async () => {
  const op = await provider({ env: classroomEnv })
  const made = await makeClassroom(op)
  const ada = await join(op, made.classroom.code, 'Ada')
  const bob = await join(op, made.classroom.code, 'Bob')
  expect(ada.at.issuer).not.toBe(bob.at.issuer)
  expect(ada.landing.page!.html).toContain('0 of 6 steps are done')
  expect(ada.landing.page!.html).toContain(`${ada.at.issuer}/authorize?`)
  await acts['code-flow']!(ada.at, () => {})
  const authorized = await authorize(bob.at, browser(bob.at))
  for (const _ of [1, 2]) await redeem(bob.at, demo, authorized, { code_verifier: 'x'.repeat(43) })
  const { who } = await teacher(op, made)
  const board = async () => (await who.open(`${op.issuer}/classroom/board?room=${made.classroom.id}`)).page!
  await until(async () => /Need help/.test((await board()).html), 'a student who is stuck')
  await until(
    async () => /<p class="figure">1<\/p><p>done<\/p>/.test((await board()).html),
    'a student who is done',
  )
  const { html } = await board()
  expect(html).toContain('<p class="figure">2 of 3</p>')
  expect(html).toMatch(/Bob<\/bdi>: invalid_grant/)
  const [, help] = /<h2>Need help<\/h2><ul class="links"><li><a href="([^"]+)"/.exec(html)!
  const flow = (await who.open(new URL(help!.replaceAll('&amp;', '&'), op.issuer).href)).page!
  expect(flow.url).toStartWith(`${bob.at.issuer}/lab/flow?id=`)
  expect(flow.html).toContain('RFC 7636 §4.6')
  const [, list] = /<a href="([^"]+)">flows<span class="unseen"> of (?:<bdi>)?Ada/.exec(html)!
  const flows = (await who.open(new URL(list!.replaceAll('&amp;', '&'), op.issuer).href)).page!
  expect(flows.url).toBe(`${ada.at.issuer}/lab/flows`)
  const csv = await op.fetch(`/classroom/results.csv?room=${made.classroom.id}`, {
    headers: { cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
  })
  const [head, first, second] = (await csv.text()).split('\r\n').map((line) => line.split(','))
  const cell = (line: string[], name: string) => line[head!.indexOf(name)]
  expect([cell(first!, 'name'), cell(first!, 'state'), cell(first!, 'steps_done')]).toEqual([
    'Ada',
    'done',
    '6',
  ])
  expect([cell(second!, 'name'), cell(second!, 'state'), cell(second!, 'error')]).toEqual([
    'Bob',
    'stuck',
    'invalid_grant',
  ])
  expect(cell(first!, 'replay_done_at')).toMatch(/^\d{4}-/)
})
