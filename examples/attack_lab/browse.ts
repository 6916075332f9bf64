/** Opens an address in the browser of a person of the lab, and prints what the page says: `browse.ts alice URL`. */
import { parseArgs } from 'node:util'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'stop-at': { type: 'string' }, fill: { type: 'string', multiple: true } },
})
const [person, url] = positionals
if (person === undefined || url === undefined) {
  console.error('usage: bun examples/attack_lab/browse.ts alice|bob URL [--stop-at PATH] [--fill NAME=VALUE]')
  process.exit(2)
}

const { ATTACK_LAB = 'http://localhost:8800' } = process.env
const fill =
  values.fill &&
  Object.fromEntries(new URLSearchParams(values.fill.map((each) => each.split('=')) as [string, string][]))
const answer = await fetch(`${ATTACK_LAB}/browse`, {
  method: 'POST',
  body: JSON.stringify({ person, url, stopAt: values['stop-at'], fill }),
}).catch(() => undefined)
if (!answer?.ok) {
  console.error(
    (await answer?.text()) ?? `The lab is not at ${ATTACK_LAB}. Start it: bun examples/attack_lab/start.ts`,
  )
  process.exit(1)
}
process.stdout.write(await answer.text())
