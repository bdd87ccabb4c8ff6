import { Button, Textarea } from '@mantine/core'
import type { ReactNode } from 'react'
import { indentJson, type JsonText } from '../../api/json-text.ts'
import { JsonView } from '../../parts/json-view.tsx'
import { Panel } from '../../parts/page.tsx'
import { t } from '../../texts/index.ts'
import type { ChosenRecord } from './record-picker.tsx'

/** What the mapping joins: as the ledger has it, or as somebody writes it to see what another case would give. */
export function JoinedRecords({ found, chosen }: { found: JsonText | null; chosen: ChosenRecord }): ReactNode {
  const { joins, join } = chosen
  if (found === null && joins === null) return null
  return (
    <Panel
      title={t('playground.joinedRecords')}
      aside={
        joins === null ? (
          <Button size="compact-xs" variant="default" onClick={() => join(indentJson(found?.text ?? '{}'))}>
            {t('playground.writeOthers')}
          </Button>
        ) : (
          <Button size="compact-xs" variant="default" onClick={() => join(null)}>
            {t('playground.fromTheLedger')}
          </Button>
        )
      }
    >
      {joins === null ? (
        <JsonView json={found} label={t('playground.joinedRecords')} none={t('playground.nothing')} />
      ) : (
        <Textarea
          label={t('playground.joinedRecordsAsJson')}
          size="xs"
          autosize
          minRows={3}
          maxRows={14}
          maxLength={1_000_000}
          spellCheck={false}
          styles={{ input: { fontFamily: 'monospace' } }}
          value={joins}
          onChange={(event) => join(event.currentTarget.value)}
        />
      )}
    </Panel>
  )
}
