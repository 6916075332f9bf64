/** The requests of docs/lab.md, sections "Clock" and "Trouble", do what the text says, on a provider as `bun start` runs it. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { blocksOf, document } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

const markdown = document('docs/lab.md')

/** Each command of the first block of a section, and the JSON that it printed. */
async function answersOf(section: string, issuer: string): Promise<Record<string, unknown>[]> {
  const [block] = blocksOf(markdown.slice(markdown.indexOf(`\n## ${section}\n`)))
  const commands = block!.text.replaceAll('\\\n', ' ').trim().split('\n')
  const answers = []
  for (const command of commands) {
    const child = Bun.spawnSync(['bash', '-c', command.replaceAll('http://localhost:5000', issuer)])
    answers.push(JSON.parse(child.stdout.toString()) as Record<string, unknown>)
  }
  return answers
}

test('the requests of the clock and of trouble', async () => {
  const op = await spawnProvider({ LAB: 'true' })
  try {
    const [moved, stopped, reset, now] = await answersOf('Clock', op.issuer)
    expect(moved).toMatchObject({ ahead_seconds: 600, stopped: false })
    expect(stopped).toMatchObject({ stopped: true })
    expect(reset).toMatchObject({ ahead_seconds: 0, stopped: false })
    expect(Object.keys(now!)).toEqual(Object.keys(reset!))
    const [begun, list, ended] = await answersOf('Trouble', op.issuer)
    expect(begun).toMatchObject({ client_id: 'client123', fault: 'nonce', told: 0 })
    expect(list!.on).toEqual([begun])
    expect(ended!.ended).toEqual([begun])
  } finally {
    await op.stop()
  }
})
