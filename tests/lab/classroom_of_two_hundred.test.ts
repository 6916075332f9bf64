/** `latchkey classroom` in a process of its own, with simulated students. Here they are 30; `bun bench/classroom.ts 200` is the same class with 200. docs/classrooms.md */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { isStuck, runClass } from '../support/class_of.ts'

setDefaultTimeout(300_000)

const students = 30

test('all join at once and work at once; the board and the results say what each of them did', async () => {
  const { rows, board, afterwards, figures } = await runClass(students)
  expect(rows.map(({ name }) => name).sort()).toEqual(
    Array.from({ length: students }, (_, n) => `Student ${n}`).sort(),
  )
  for (const row of rows) {
    const number = Number(row.name!.replace('Student ', ''))
    const wanted = isStuck(number)
      ? { state: 'stuck', steps_done: '3', error: 'invalid_grant', error_times: '2' }
      : { state: 'done', steps_done: '6', error: '', error_times: '0' }
    expect(row).toMatchObject(wanted)
  }
  const stuck = rows.filter(({ state }) => state === 'stuck').length
  expect(board).toContain(`<p class="figure">${students} of ${students}</p>`)
  expect(board).toContain(`<p class="figure">${stuck}</p><p>stuck</p>`)
  expect(board.match(/: invalid_grant<\/a>/g)).toHaveLength(stuck)
  expect(afterwards).toEqual([404, 404])
  // A provider of a student takes a few megabytes with all of its flows.
  expect(figures.memory.done - figures.memory.empty).toBeLessThan(students * 12_000_000 + 200_000_000)
})
