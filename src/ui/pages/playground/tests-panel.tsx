import { Group } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { post, useAction } from '../../api/queries.ts'
import type { SavedTest } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Loading } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { type TrialInput, useTests } from './use-trial.ts'

type Props = { sync: string; text: string; input: TrialInput; mark: (line: number | null) => void }

/** The tests of the text as it stands, and a new one from a real record. */
export function TestsPanel({ sync, text, input, mark }: Props): ReactNode {
  /** The record as it was when somebody asked for its test. */
  const [saving, setSaving] = useState<TrialInput>(null)
  const answer = useTests(sync, text)
  const tests = answer.data?.tests
  const failed = tests?.filter(({ ok }) => !ok).length ?? 0
  return (
    <Panel
      title={t('playground.tests')}
      aside={
        <Group gap={6}>
          {tests && tests.length > 0 && (
            <Mark tone={failed ? 'bad' : 'ok'}>
              {failed
                ? t('playground.ofFail', { failed, count: tests.length })
                : t('playground.pass', { count: tests.length })}
            </Mark>
          )}
          {input !== null && (
            <ActionButton
              needs="plans:make"
              size="compact-xs"
              variant="default"
              onClick={() => setSaving({ ...input })}
            >
              {t('playground.saveAsTest')}
            </ActionButton>
          )}
        </Group>
      }
    >
      {saving !== null && input !== null && <SavedFrom sync={sync} text={text} input={saving} />}
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!tests && answer.isPending && <Loading />}
      {tests?.length === 0 && <p className="nothing">{t('playground.noTestStandsInThe')}</p>}
      <ul aria-label={t('playground.tests')} className="tests">
        {tests?.map(({ name, ok, message, place }) => (
          <li key={`${name} ${place.line}`}>
            <button
              type="button"
              onMouseEnter={() => mark(place.line ?? null)}
              onFocus={() => mark(place.line ?? null)}
              onMouseLeave={() => mark(null)}
              onBlur={() => mark(null)}
            >
              <Mark tone={ok ? 'ok' : 'bad'}>{ok ? t('playground.passes') : t('playground.fails')}</Mark>{' '}
              <Plain>{name}</Plain>
            </button>
            {message && (
              <pre>
                <Plain>{message}</Plain>
              </pre>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** The record as a test of the text as it stands, without its secrets and personal data; for the file, for the hub writes no files. */
function SavedFrom({ sync, text, input }: { sync: string; text: string; input: TrialInput }): ReactNode {
  const save = useAction(() =>
    post<SavedTest>(`/syncs/${encodeURIComponent(sync)}/save-test`, { ...input, mapping: text }),
  )
  const { mutate } = save
  // biome-ignore lint/correctness/useExhaustiveDependencies: once each time that somebody asks.
  useEffect(() => mutate(undefined), [input, mutate])
  if (save.error) return <Trouble error={save.error} retry={() => mutate(undefined)} />
  if (!save.data) return <Loading />
  return (
    <div>
      <p>
        {rich('playground.anItemOfInSecrets', {
          code: <code>tests</code>,
          code2: <code>{save.data.file}</code>,
        })}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1). */}
      <section className="json-scroll" aria-label={t('playground.savedTest')} tabIndex={0}>
        <pre>
          <Plain>{save.data.test}</Plain>
        </pre>
      </section>
      <CopyButton text={save.data.test} label={t('playground.copyTheTest')} />
    </div>
  )
}
