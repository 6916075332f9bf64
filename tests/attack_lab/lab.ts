/** The attack lab for a test, on ports of its own, and its texts with those addresses. */
import { defaultPorts, rewritten } from '../../examples/attack_lab/addresses.ts'
import { type RunningLab, startLab } from '../../examples/attack_lab/running.ts'
import type { Page } from 'playwright-core'
import { fillLogin } from '../support/chromium.ts'
import { document, type Reader } from '../support/document.ts'
import { until } from '../support/until.ts'
import { freePort } from '../support/free_port.ts'

export const startOnFreePorts = (): Promise<RunningLab> => startLab(defaultPorts.map(() => freePort()))

/** A document of the lab with the addresses of this lab, and the commands that its commands need. */
export const documentFor = ({ at }: RunningLab, path: string): { beginning: string; text: string } => ({
  beginning: `\`\`\`sh\nexport ATTACK_LAB=${at.board}\n\`\`\`\n`,
  text: rewritten(document(`examples/attack_lab/${path}`), at),
})

/** A line that tells the reader what to do in a browser. */
const steps: readonly [RegExp, (page: Page, what: string) => Promise<unknown>][] = [
  [/^\d+\. Open <(\S+)>\.$/, (page, url) => page.goto(url)],
  [/^\d+\. Sign in as `alice` with `(alicepassword)`\.$/, (page) => fillLogin(page)],
  [/^\d+\. Click “(.+)”\.$/, clickAt],
  [/^\d+\. Wait for “(.+)”\.$/, seeInAnyFrame],
]

/** Where a person would click, whatever lies above the words. The text says what to wait for. */
async function clickAt(page: Page, words: string): Promise<void> {
  const box = (await page.getByText(words).boundingBox())!
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
}

/** With all that the page loads: a picture of an attacker comes after the words. */
async function seeInAnyFrame(page: Page, words: string): Promise<void> {
  await until(async () => {
    const texts = await Promise.all(
      page.frames().map((frame) => frame.textContent('body', { timeout: 1_000 }).catch(() => '')),
    )
    return texts.some((text) => text?.includes(words))
  }, words)
  await page.waitForLoadState()
}

/** Commands by a shell, and clicks by Chromium, in the order of the text. Returns the number of commands and of clicks. */
export async function carryOut(
  lab: RunningLab,
  path: string,
  { shell, page }: { shell: Reader; page: () => Promise<Page> },
): Promise<{ runs: number; clicks: number }> {
  const { beginning, text } = documentFor(lab, path)
  const done = { runs: 0, clicks: 0 }
  let part = ''
  const runPart = async () => {
    done.runs += (await shell.read(beginning + part, lab.at.provider)).length - 1
    part = ''
  }
  for (const line of text.split('\n')) {
    const step = steps.find(([pattern]) => pattern.test(line))
    if (step) {
      await runPart()
      await step[1](await page(), step[0].exec(line)![1]!)
      done.clicks++
    } else part += `${line}\n`
  }
  await runPart()
  return done
}
