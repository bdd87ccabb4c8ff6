import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../texts/index.ts'

/** Lies over the list, so that its coming moves nothing. */
export function NewRows({ count, show }: { count: number; show: () => void }): ReactNode {
  return (
    <div className="new-rows" role="status">
      {count > 0 && (
        <Button size="compact-xs" onClick={show}>
          {t('parts.new', { count })}
        </Button>
      )}
    </div>
  )
}
