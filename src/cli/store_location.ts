/** The store of the settings, as texts name it. */
import type { Config } from '../config.ts'

/** The location of the store, without the password of a URL. */
export function storeLocation({ store }: Config): string {
  if (store.kind === 'memory') return 'memory:'
  if (store.kind === 'sqlite') return `sqlite:${store.path}`
  return store.url.replace(/\/\/[^/]*@/, '//…@').replace(/\?.*$/, '')
}
