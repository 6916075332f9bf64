/** The variable for attributes that End-Users may edit beyond the standard claims. docs/configuration.md */
import * as v from 'valibot'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

/** Attributes that grant rights or impose duties. End-Users must not edit them. */
const restricted = ['roles', 'second_factor']
const text = 'space-separated names of attributes, roles and second_factor not among them'

export const env = defineEntries([
  {
    name: 'EDITABLE_ATTRIBUTES',
    schema: v.pipe(
      is.words,
      v.check((names) => !names.some((name) => restricted.includes(name)), `expected ${text}`),
      v.description(text),
    ),
    default: '',
    help: 'Attributes that End-Users may change on their profile page, as text. All others are set with `latchkey user set`.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'profile', env)
