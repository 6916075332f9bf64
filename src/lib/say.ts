/** Words that a person will read, by their key in `languages/en.json`: which language is settled when they are shown. */
import type english from '../../languages/en.json'

export type MessageKey = keyof typeof english

/** What may stand for `{name}` in a message. A `Date` becomes a moment in UTC, in the style of the language. */
export type MessageValue = string | number | Date | Said

/** BCP 47 tags of the files in `languages/`. */
export const languages = ['en', 'de', 'fr', 'es', 'pt', 'it', 'pl', 'tr', 'ja', 'zh', 'ar'] as const
export type Language = (typeof languages)[number]

/** What an operator wrote for people: one text, or one by language. */
export type OwnWords = string | Readonly<Partial<Record<Language, string>>>

const brand = Symbol('said')

export interface Said {
  readonly [brand]: true
  readonly key: MessageKey
  readonly values: Readonly<Record<string, MessageValue>>
}

/** `values` fill the `{names}` of the message; a number called `n` also chooses its plural form. */
export const say = (key: MessageKey, values: Said['values'] = {}): Said =>
  Object.freeze({ [brand]: true as const, key, values })

export const isSaid = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && brand in value
