/** JSON Schema of what a valibot schema takes. https://json-schema.org/draft/2020-12 */
import { toJsonSchema } from '@valibot/to-json-schema'
import type * as v from 'valibot'
import type { Part, Shape } from './parts.ts'

const isSchema = (shape: Shape): shape is v.GenericSchema => shape.kind === 'schema'

/**
 * A component stays as it is. A check in code, or a pattern with flags, has no JSON Schema: it is left out, and the
 * description of the member says it where it matters. A kind of schema without JSON Schema throws.
 */
export function jsonSchemaOf(shape: Shape): Part {
  if (!isSchema(shape)) return shape
  const { $schema: _dialect, ...schema } = toJsonSchema(shape, {
    target: 'draft-2020-12',
    typeMode: 'input',
    overrideAction({ valibotAction, jsonSchema, errors }) {
      if (errors === undefined) return undefined
      const { pattern: _pattern, ...rest } = jsonSchema
      return valibotAction.type === 'regex' ? rest : jsonSchema
    },
  })
  return schema
}
