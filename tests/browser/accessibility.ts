/** What axe-core, a narrow window and a keyboard find on a page. https://www.w3.org/TR/WCAG22/ */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

/** A phone and a desk. */
const widths = [320, 1280] as const
const schemes = ['light', 'dark'] as const

/** Every rule that can be decided by itself, best practices included. */
async function axeFindings(page: Page, only: string[] | undefined): Promise<string[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis)
  if (!isThere) await page.evaluate(axe)
  return page.evaluate(async (rules) => {
    interface Finding {
      id: string
      nodes: { html: string; failureSummary?: string }[]
    }
    const { axe } = globalThis as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: Finding[] }> }
    }
    const { violations } = await axe.run(document, {
      resultTypes: ['violations'],
      iframes: false,
      ...(rules && { runOnly: rules }),
    })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, failureSummary = '' }) => `axe ${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`,
      ),
    )
  }, only)
}

const sideways = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return scrollWidth > clientWidth ? [`scrolls sideways: ${scrollWidth} > ${clientWidth}`] : []
  })

const mostInFrame = 20

interface Reached {
  stop: string | undefined
  /** One sees where the focus is. */
  seen: boolean
}

/**
 * What so many Tabs reach, in order. A page has twenty stops and there are many pages: what gets the focus is written
 * down by the page itself, and asked for once. Inside of a frame Tab walks through what that holds.
 */
async function walk(page: Page, stops: number): Promise<Reached[]> {
  const frames = await page.evaluate(() => {
    const reached: Reached[] = []
    Object.assign(globalThis, { reached })
    addEventListener('focusin', ({ target }) => {
      const element = target as HTMLElement
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const drawn = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
      reached.push({ stop: element.dataset.stop, seen: drawn || element instanceof HTMLIFrameElement })
    })
    return document.querySelectorAll('iframe').length
  })
  for (let presses = stops + frames * mostInFrame; presses > 0; presses--) await page.keyboard.press('Tab')
  return page.evaluate(() => (globalThis as unknown as { reached: Reached[] }).reached)
}

/** Tab alone reaches everything that can be used, in the order it is read, and one sees where it is. */
async function keyboardFindings(page: Page): Promise<string[]> {
  const expected = await page.evaluate(() => {
    const usable = [
      ...document.querySelectorAll<HTMLElement>(
        'a[href], button, input, select, textarea, summary, iframe, [tabindex="0"]',
      ),
    ].filter(
      (each) =>
        !each.matches(':disabled, [type=hidden], [tabindex="-1"]') &&
        each.checkVisibility() &&
        each.getClientRects().length > 0,
    )
    // Of radio buttons with one name, Tab stops at one.
    const stops = usable.filter(
      (each, at) =>
        !(each instanceof HTMLInputElement && each.type === 'radio') ||
        usable.findIndex((other) => other instanceof HTMLInputElement && other.name === each.name) === at,
    )
    stops.forEach((each, at) => (each.dataset.stop = `${at}`))
    const active = document.activeElement
    if (active instanceof HTMLElement) active.blur()
    window.getSelection()?.removeAllRanges()
    // From the very beginning, wherever the page put the cursor.
    document.body.tabIndex = -1
    document.body.focus()
    document.body.removeAttribute('tabindex')
    return stops.map((each) => each.outerHTML.slice(0, 100))
  })
  const problems: string[] = []
  const reached = await walk(page, expected.length)
  for (const [at, html] of expected.entries()) {
    const found = reached[at]
    if (found?.stop !== `${at}`) return [...problems, `Tab ${at + 1} does not reach ${html}`]
    if (!found.seen) problems.push(`no focus to be seen at ${html}`)
  }
  return problems
}

/**
 * Everything, in both colour schemes and both widths, without loading the page again. What depends on the scheme is
 * contrast alone, and on the width everything may: so all rules at each width, and contrast in each pair.
 */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems = new Set<string>()
  for (const [at, width] of widths.entries())
    for (const [scheme, colorScheme] of schemes.entries()) {
      await page.setViewportSize({ width, height: 700 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const rules = at === scheme ? undefined : ['color-contrast']
      for (const each of [...(await axeFindings(page, rules)), ...(await sideways(page))])
        problems.add(`${width} px, ${colorScheme}: ${each}`)
    }
  for (const each of await keyboardFindings(page)) problems.add(each)
  return [...problems]
}
