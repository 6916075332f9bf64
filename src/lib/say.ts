/** Messages for End-Users by their key in `languages/en.json`. The language is chosen when a message is shown. */
import type english from '../../languages/en.json'

export type MessageKey = keyof typeof english

/** A value for `{name}` in a message. A `Date` is shown in UTC, in the style of the language. */
export type MessageValue = string | number | Date | Said

/** BCP 47 tags of the files in `languages/`. */
export const languages = ['en', 'de', 'fr', 'es', 'pt', 'it', 'pl', 'tr', 'ja', 'zh', 'ar'] as const
export type Language = (typeof languages)[number]

/** A text by the operator: one for all languages, or one for each. */
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
