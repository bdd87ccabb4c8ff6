import type { ReactNode } from 'react'
import { Plain } from '../../parts/plain.tsx'
import { t } from '../../texts/index.ts'

/** The values of one field. What the entity file masks says so in words. */
export function Values({ values, masked = false }: { values: readonly string[]; masked?: boolean }): ReactNode {
  if (!values.length) return <span className="dim">–</span>
  return (
    <>
      <Plain>{values.join(' · ')}</Plain>
      {masked && <small className="masked">{t('entities.masked')}</small>}
    </>
  )
}
