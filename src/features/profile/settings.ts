/** What people may say of themselves beyond the standard claims. docs/configuration.md */
import * as v from 'valibot'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

/** What decides what somebody may do or must do is never theirs to say. */
const operators = ['roles', 'second_factor']
const text = 'space-separated names of attributes, roles and second_factor not among them'

export const env = defineEntries([
  {
    name: 'EDITABLE_ATTRIBUTES',
    schema: v.pipe(
      is.words,
      v.check((names) => !names.some((name) => operators.includes(name)), `expected ${text}`),
      v.description(text),
    ),
    default: '',
    help: 'Attributes that End-Users may change on their profile page, as text. All others are set with `latchkey user set`.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'profile', env)
