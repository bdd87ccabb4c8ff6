import { Button, Group } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useCallback, useState } from 'react'
import { post } from '../../api/queries.ts'
import type { Items, Suggestion } from '../../api/types.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Loading } from '../../parts/list.tsx'
import { notGiven } from '../../parts/not-given.tsx'
import { Panel } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { t } from '../../texts/index.ts'
import { Findings } from './findings.tsx'
import { JoinedRecords } from './joined-records.tsx'
import { keepText, keptText } from './kept-text.ts'
import { Output } from './output.tsx'
import { RecordPicker, useChosenRecord } from './record-picker.tsx'
import { TestsPanel } from './tests-panel.tsx'
import { useTrial } from './use-trial.ts'

const Editor = lazy(() => import('./editor.tsx').catch(notGiven))

/** Text at one side, what it makes of a record at the other. */
export function Bench({ sync, running }: { sync: string; running: string }): ReactNode {
  const [text, setText] = useState(() => keptText(sync) ?? running)
  const [marked, setMarked] = useState<number | null>(null)
  const chosen = useChosenRecord()
  const trial = useTrial(sync, text, chosen.input)
  const change = (next: string): void => {
    setText(next)
    keepText(sync, next === running ? null : next)
  }
  const complete = useCallback(
    async (mapping: string, line: number, column: number): Promise<Suggestion[]> =>
      (await post<Items<Suggestion>>(`/syncs/${encodeURIComponent(sync)}/complete`, { mapping, line, column })).items,
    [sync],
  )
  return (
    <div className="bench">
      <Panel
        title={t('playground.mapping')}
        aside={
          <Group gap={6}>
            {text !== running && (
              <Button size="compact-xs" variant="default" onClick={() => change(running)}>
                {t('playground.backToTheOneThat')}
              </Button>
            )}
            <CopyButton text={text} label={t('playground.copyAsYaml')} />
          </Group>
        }
      >
        <Suspense fallback={<Loading />}>
          <Editor
            text={text}
            onChange={change}
            findings={trial.data?.findings ?? NONE}
            marked={marked}
            complete={complete}
          />
        </Suspense>
        <Findings findings={trial.data?.findings ?? NONE} />
      </Panel>
      <div>
        <RecordPicker sync={sync} chosen={chosen} />
        <JoinedRecords found={trial.data?.joins ?? null} chosen={chosen} />
        {trial.error && <Trouble error={trial.error} retry={() => void trial.refetch()} />}
        {trial.data && <Output trial={trial.data} mark={setMarked} />}
        <TestsPanel sync={sync} text={text} input={chosen.input} mark={setMarked} />
      </div>
    </div>
  )
}

const NONE: never[] = []
