/** The files that pages load. Each path has a hash of the content, so that the file may be cached for ever. */
import adminScript from '../../views/admin.js' with { type: 'text' }
import adminStyle from '../../views/admin.css' with { type: 'text' }
import approvalsScript from '../../views/approvals.js' with { type: 'text' }
import formPostScript from '../../views/form_post.js' with { type: 'text' }
import pageSource from '../../views/page.js' with { type: 'text' }
import labStyle from '../../views/lab.css' with { type: 'text' }
import logo from '../../views/logo.svg' with { type: 'text' }
import recoveryCodesScript from '../../views/recovery_codes.js' with { type: 'text' }
import signedOutScript from '../../views/signed_out.js' with { type: 'text' }
import stylesheet from '../../views/style.css' with { type: 'text' }
import { sha256 } from '../lib/hash.ts'
import { iconMarkup } from './icon.ts'

/** With the icons of the buttons that it adds. */
const pageScript = pageSource.replace(/\{\{icon ([a-z-]+)\}\}/g, (_, name: string) => iconMarkup(name) ?? '')

export interface Asset {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The path of a file, below the base path. */
export const hashed = (name: string, extension: string, body: Asset['body']): string =>
  `/assets/${name}.${sha256(body).slice(0, 16)}.${extension}`

export const stylePath = hashed('style', 'css', stylesheet)
/** Beside the style sheet of all pages: charts, tables, tiles with numbers. */
export const adminStylePath = hashed('admin', 'css', adminStyle)
export const adminScriptPath = hashed('admin', 'js', adminScript)
export const labStylePath = hashed('lab', 'css', labStyle)
export const logoPath = hashed('logo', 'svg', logo)
export const pagePath = hashed('page', 'js', pageScript)
export const formPostPath = hashed('form_post', 'js', formPostScript)
export const signedOutPath = hashed('signed_out', 'js', signedOutScript)
export const recoveryCodesPath = hashed('recovery_codes', 'js', recoveryCodesScript)
export const approvalsPath = hashed('approvals', 'js', approvalsScript)

const script = (body: string): Asset => ({ body, contentType: 'text/javascript; charset=utf-8' })

/** An SVG image that a browser opens as a document runs no script and loads no resource. */
export const pictureHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox",
}

export const assets: ReadonlyMap<string, Asset> = new Map([
  [stylePath, { body: stylesheet, contentType: 'text/css; charset=utf-8' }],
  [adminStylePath, { body: adminStyle, contentType: 'text/css; charset=utf-8' }],
  [adminScriptPath, script(adminScript)],
  [labStylePath, { body: labStyle, contentType: 'text/css; charset=utf-8' }],
  [logoPath, { body: logo, contentType: 'image/svg+xml; charset=utf-8', headers: pictureHeaders }],
  [pagePath, script(pageScript)],
  [formPostPath, script(formPostScript)],
  [signedOutPath, script(signedOutScript)],
  [approvalsPath, script(approvalsScript)],
  [recoveryCodesPath, script(recoveryCodesScript)],
])
