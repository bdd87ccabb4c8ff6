import type { ReactNode } from 'react'
import type { JsonText } from '../../api/json-text.ts'
import { Plain } from '../../parts/plain.tsx'
import { t } from '../../texts/index.ts'

/** A value as JSON spells it; long ones in a box of their own. */
export function Value({ json }: { json: JsonText | null }): ReactNode {
  return json === null ? (
    <span className="dim">{t('conflicts.none')}</span>
  ) : (
    <code className="value">
      <Plain>{json.text}</Plain>
    </code>
  )
}
