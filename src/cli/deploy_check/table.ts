/** All checks before going live, in the order in which they are printed. docs/going_live.md */
import { fileRows } from './file_rows.ts'
import { realmRows } from './realm_rows.ts'
import type { Row } from './row.ts'
import { serverRows } from './server_rows.ts'
import { settingRows } from './setting_rows.ts'
import { storeRows } from './store_rows.ts'
import { warningRows } from './warning_rows.ts'

export const rows: readonly Row[] = [
  ...settingRows,
  ...warningRows,
  ...serverRows,
  ...fileRows,
  ...storeRows,
  ...realmRows,
]
