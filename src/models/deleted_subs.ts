/** The `sub` of each deleted account, by its hash: a `sub` is never reassigned. https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes */
import * as v from 'valibot'
import { defineRecord } from './define_record.ts'

export const deletedSubs = defineRecord('gone_sub', v.object({ at: v.number() }))
