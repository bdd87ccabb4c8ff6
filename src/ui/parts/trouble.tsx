import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Refused } from '../api/request.ts'
import { rich, sentence, t } from '../texts/index.ts'
import { Icon } from './mark.tsx'
import { Said } from './said.tsx'

/** One alone is what was said above already. */
const several = <Item,>(items: Item[] = []): Item[] => (items.length > 1 ? items : [])

/** What went wrong with a request: what, what to do, code, request id, and the way to try again. */
export function Trouble({ error, retry }: { error: Error; retry?: (() => void) | undefined }): ReactNode {
  const problem = error instanceof Refused ? error.problem : null
  return (
    <div className="trouble" role="alert">
      <Icon tone="bad" size={18} />
      <div>
        <p className="trouble-what">
          {problem?.status === 403 && `${sentence(problem.title)} `}
          {error.message}
        </p>
        {problem && (
          <p>
            <Said>{problem.fix}</Said>
          </p>
        )}
        {several(problem?.errors).map((item) => (
          <p key={item.pointer + item.message}>
            <code>{item.pointer || '/'}</code> {item.message}
          </p>
        ))}
        <p className="dim">
          {problem
            ? rich('parts.codeRequest', { code: <code>{problem.code}</code>, code2: <code>{problem.requestId}</code> })
            : t('parts.thisPageKeepsTryingBy')}
        </p>
      </div>
      {retry && (
        <Button size="xs" variant="default" onClick={retry}>
          {t('parts.tryAgain')}
        </Button>
      )}
    </div>
  )
}
