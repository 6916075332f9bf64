/** The checks of the attack lab tell an attack from use: people who sign in, write and sign out make no lesson succeed or hold. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createBrowser } from '../../examples/attack_lab/browser.ts'
import { lessons } from '../../examples/attack_lab/lessons.ts'
import type { RunningLab } from '../../examples/attack_lab/running.ts'
import { weaknesses } from '../../examples/attack_lab/weaknesses.ts'
import { alice, bob } from '../support/person.ts'
import { startOnFreePorts } from './lab.ts'

setDefaultTimeout(60_000)

let lab: RunningLab
beforeAll(async () => {
  lab = await startOnFreePorts()
})
afterAll(() => lab.stop())

const states = () => lessons.map((lesson) => lab.journal.progress(lesson).state)

test.each([undefined, ...Object.keys(weaknesses)] as (keyof typeof weaknesses | undefined)[])(
  'with the switch %p on, honest use works and is no attack',
  async (weakness) => {
    lab.journal.set(weakness ?? 'no_state', weakness !== undefined)
    const { client, attacker, provider } = lab.at
    for (const person of [alice, bob]) {
      const browser = createBrowser([provider], person)
      expect((await browser.visit(`${client}/login`)).text).toContain('You are')
      const text = `a note of ${person.username}`
      expect((await browser.visit(`${client}/`, { fill: { text } })).text).toContain(text)
      expect((await browser.visit(`${attacker}/weather`)).text).toContain('Rain')
      await browser.visit(`${client}/sign_out`)
      expect((await browser.visit(`${client}/`)).text).toContain('You are signed out')
    }
    expect(states()).toEqual(lessons.map(() => 'not yet'))
  },
)

test('a switch that goes on switches every other off', () => {
  for (const weakness of Object.keys(weaknesses) as (keyof typeof weaknesses)[]) {
    lab.journal.set(weakness, true)
    const on = (Object.keys(weaknesses) as (keyof typeof weaknesses)[]).filter((each) =>
      lab.journal.weak(each),
    )
    expect(on).toEqual([weakness])
  }
})

test('the browser of a person sends the password to no page of another origin', async () => {
  const typed: string[] = []
  const copy = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      typed.push(await request.text())
      return new Response(
        '<form method="post"><input name="username"><input name="password"><button name="login"></button></form>',
      )
    },
  })
  await createBrowser([lab.at.provider], alice).visit(`http://localhost:${copy.port}/login`)
  expect(typed).toEqual([''])
  await copy.stop(true)
})
