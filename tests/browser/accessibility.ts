/** What axe-core, a narrow window and a keyboard find on a page. https://www.w3.org/TR/WCAG22/ */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

/** A phone and a desk. */
const widths = [320, 1280]
const schemes = ['light', 'dark'] as const

/** Every rule that can be decided by itself, best practices included. */
async function axeFindings(page: Page): Promise<string[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis)
  if (!isThere) await page.evaluate(axe)
  return page.evaluate(async () => {
    interface Finding {
      id: string
      nodes: { html: string; failureSummary?: string }[]
    }
    const { axe } = globalThis as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: Finding[] }> }
    }
    const { violations } = await axe.run(document, { resultTypes: ['violations'], iframes: false })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, failureSummary = '' }) => `axe ${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`,
      ),
    )
  })
}

const sideways = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return scrollWidth > clientWidth ? [`scrolls sideways: ${scrollWidth} > ${clientWidth}`] : []
  })

/** Tab alone reaches everything that can be used, in the order it is read, and one sees where it is. */
async function keyboardFindings(page: Page): Promise<string[]> {
  const expected = await page.evaluate(() => {
    const usable = [
      ...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, iframe'),
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
  for (const [at, html] of expected.entries()) {
    await page.keyboard.press('Tab')
    const { stop, seen } = await page.evaluate(() => {
      const active = document.activeElement as HTMLElement | null
      const style = active && getComputedStyle(active)
      return {
        stop: active?.dataset.stop,
        seen:
          style !== null &&
          (active instanceof HTMLIFrameElement ||
            (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)),
      }
    })
    if (stop !== `${at}`) return [...problems, `Tab ${at + 1} does not reach ${html}`]
    if (!seen) problems.push(`no focus to be seen at ${html}`)
  }
  return problems
}

/** Everything, in both colour schemes and both widths, without loading the page again. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems = new Set<string>()
  for (const width of widths)
    for (const colorScheme of schemes) {
      await page.setViewportSize({ width, height: 700 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      for (const each of [...(await axeFindings(page)), ...(await sideways(page))])
        problems.add(`${width} px, ${colorScheme}: ${each}`)
    }
  for (const each of await keyboardFindings(page)) problems.add(each)
  return [...problems]
}
