/** The files that pages load. Each path names its content, so that it may be cached for ever. */
import formPostScript from '../../views/form_post.js' with { type: 'text' }
import logo from '../../views/logo.svg' with { type: 'text' }
import stylesheet from '../../views/style.css' with { type: 'text' }
import { sha256 } from '../lib/hash.ts'

export type Asset = { readonly body: string; readonly contentType: string }

const hashed = (name: string, extension: string, body: string): string =>
  `/assets/${name}.${sha256(body).slice(0, 16)}.${extension}`

export const stylePath = hashed('style', 'css', stylesheet)
export const logoPath = hashed('logo', 'svg', logo)
export const formPostPath = hashed('form_post', 'js', formPostScript)

export const assets: ReadonlyMap<string, Asset> = new Map([
  [stylePath, { body: stylesheet, contentType: 'text/css; charset=utf-8' }],
  [logoPath, { body: logo, contentType: 'image/svg+xml' }],
  [formPostPath, { body: formPostScript, contentType: 'text/javascript; charset=utf-8' }],
])
