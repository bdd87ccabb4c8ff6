import type { ReactNode } from 'react'
import type { ConfigurationDifferences } from '../../api/types.ts'
import { Patch } from '../../parts/patch.tsx'
import { t } from '../../texts/index.ts'
import { ChangeOf } from './versions.tsx'

/** One file with its lines. */
export function FileDifference({ file }: { file: ConfigurationDifferences['files'][number] }): ReactNode {
  const { path, change, masked, patch } = file
  return (
    <details open>
      <summary>
        <ChangeOf name={path} change={change} />
        {masked && <span className="dim"> {t('versions.aSecretIsNotKept')}</span>}
      </summary>
      {patch === null ? (
        <p className="dim">{t('versions.tooMuchDiffers')}</p>
      ) : (
        <Patch text={patch} label={t('versions.linesOf', { path })} />
      )}
    </details>
  )
}
