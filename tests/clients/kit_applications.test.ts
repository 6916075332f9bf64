/** The applications of kits that the npm registry has all packages of: built, started, and driven in Chromium. One installation serves them all. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { type ServedProvider, serveProvider } from '../browser/served.ts'
import type { Kit } from '../../src/kits/kit.ts'
import { kitOf } from '../../src/kits/kits.ts'
import { fillLogin, launchChromium, openTab, type Tab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import {
  kitAt,
  type MadeKit,
  manifestOf,
  packagesOf,
  type RunningKit,
  runKit,
} from '../support/kit_application.ts'
import { installed, type Packages } from '../support/kits.ts'

setDefaultTimeout(200_000)

interface Row {
  kind: string
  /** The last one serves. Each is a script of the package.json, except `others`. */
  commands: readonly string[]
  others?: (port: number) => readonly string[]
  metadata?: Record<string, unknown>
}
const vite = ['vite build', 'vite preview']
const rows: readonly Row[] = [
  { kind: 'react', commands: vite },
  { kind: 'vue', commands: vite },
  { kind: 'svelte', commands: vite },
  {
    kind: 'angular',
    commands: ['ng build'],
    // Node.js may be older than Angular wants; what was built is served as files.
    others: (port) => [
      'bun --bun ../node_modules/.bin/ng build',
      `vite preview --outDir dist/browser --host localhost --port ${port} --strictPort`,
    ],
  },
  { kind: 'browser', commands: ['node serve.js'] },
  { kind: 'express', commands: ['node app.js'] },
  {
    kind: 'express',
    commands: ['node app.js'],
    metadata: { token_endpoint_auth_method: 'client_secret_post' },
  },
  { kind: 'express', commands: ['node app.js'], metadata: { token_endpoint_auth_method: 'none' } },
  { kind: 'hono', commands: ['node app.js'] },
  { kind: 'next', commands: ['next build', 'next start'] },
]

interface Made extends Row, MadeKit {
  kit: Kit
  port: number
}
let op: ServedProvider
let chromium: Browser
let packages: Packages
let made: Made[]
beforeAll(async () => {
  ;[op, chromium] = await Promise.all([serveProvider(), launchChromium()])
  made = await Promise.all(
    rows.map(async (row) => {
      const kit = kitOf(row.kind)!
      const port = freePort()
      return { ...row, kit, port, ...(await kitAt(op, kit, port, row.metadata)) }
    }),
  )
  packages = await installed(packagesOf(made.map(({ files }) => files)))
})
afterAll(async () => {
  await chromium.close()
  packages.remove()
  await op.stop()
})

const status = (page: Page, text: string) => page.waitForSelector(`#status:has-text("${text}")`)

async function signInAndOut({ page, complaints }: Tab, origin: string): Promise<void> {
  await page.goto(`${origin}/`)
  await status(page, 'Signed out')
  expect(await page.textContent('h1')).toContain('<img src=x onerror=alert(1)>')
  await page.click('#sign_in')
  await fillLogin(page)
  await page.click('button[name=allow]')
  await status(page, 'Signed in as Alice Adams')
  expect(page.url()).toBe(`${origin}/`) // no code left in the address
  expect(JSON.parse((await page.textContent('#claims'))!)).toMatchObject({
    sub: 'user-alice',
    name: 'Alice Adams',
  })
  await page.reload()
  await status(page, 'Signed in as Alice Adams')
  await page.click('#sign_out')
  await status(page, 'Signed out')
  expect(new URL(page.url()).origin).toBe(origin)
  expect(complaints).toEqual([])
}

/** What an attacker's link with an answer for another browser does. */
async function takesNoForeignAnswer({ page }: Tab, uri: string): Promise<void> {
  await page.goto(`${uri}?code=lkc_of-an-attacker&state=of-an-attacker&iss=${encodeURIComponent(op.issuer)}`)
  await page.waitForSelector('#sign_in')
  expect(await page.textContent('#status')).toMatch(/failed|did not begin/)
}

describe.each(rows.map((row, at) => ({ ...row, at })))('$kind $metadata', ({ at }) => {
  let app: RunningKit
  let origin: string
  beforeAll(async () => {
    const { commands, others, port, ...each } = made[at]!
    origin = `http://localhost:${port}`
    const { scripts } = manifestOf(each.files)
    expect(Object.values(scripts)).toEqual(expect.arrayContaining([...commands]))
    app = await runKit(join(packages.folder, `kit-${at}`), each, {
      commands: others?.(port) ?? commands,
      origin,
    })
  })
  afterAll(() => app?.stop())

  test('signs in, shows the claims, signs out', async () => {
    const tab = await openTab(chromium)
    await signInAndOut(tab, origin)
    await tab.close()
  })

  test('takes no answer that another browser asked for', async () => {
    const tab = await openTab(chromium)
    await takesNoForeignAnswer(tab, `${origin}${new URL(made[at]!.kit.redirect!.example).pathname}`)
    await tab.close()
  })
})
