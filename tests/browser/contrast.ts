/** Contrast of every text on a page with what is behind it. https://www.w3.org/TR/WCAG22/#contrast-minimum */
import type { Page } from 'playwright-core'

/** Texts below 4.5:1, whatever their size. Backgrounds here are plain colours, opaque or not there. */
export const contrastProblems = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    type Rgb = [number, number, number]
    const parse = (text: string) => (text.match(/[\d.]+/g) ?? []).map(Number)
    const behind = (element: Element | null): Rgb => {
      for (let at = element; at; at = at.parentElement) {
        const [r = 0, g = 0, b = 0, alpha = 1] = parse(getComputedStyle(at).backgroundColor)
        if (alpha === 1) return [r, g, b]
      }
      return [255, 255, 255]
    }
    const luminance = ([r, g, b]: Rgb) => {
      const linear = (value: number) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
      return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }
    const found: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      const text = node.textContent?.trim()
      if (!element || !text) continue
      const [r = 0, g = 0, b = 0] = parse(getComputedStyle(element).color)
      const [light, dark] = [luminance([r, g, b]), luminance(behind(element))].sort((a, b) => b - a)
      const ratio = (light! + 0.05) / (dark! + 0.05)
      if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)} of "${text.slice(0, 40)}"`)
    }
    return found
  })
