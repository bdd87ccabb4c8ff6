import { Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { indentJson, type JsonText } from '../api/json-text.ts'
import { post, useAction } from '../api/queries.ts'
import { Confirm } from '../parts/confirm.tsx'
import { t } from '../texts/index.ts'

type Props = { path: string; input: JsonText; close: () => void }

/**
 * The record of a dead letter, to be corrected and tried again. It is edited and sent as text, so that whatever is not touched
 * keeps the spelling it came with.
 */
export function CorrectDialog({ path, input, close }: Props): ReactNode {
  const [text, setText] = useState(() => indentJson(input.text))
  const correct = useAction((reason: string) => post(`${path}/correct`, { text, ...(reason ? { reason } : {}) }))
  const fault = faultOf(text)
  return (
    <Confirm
      title={t('deadLetter.correctTheRecordAndTry')}
      verb={t('deadLetter.tryAgain')}
      reason="optional"
      ready={fault === null}
      busy={correct.isPending}
      error={correct.error}
      close={close}
      confirm={(reason) => correct.mutate(reason, { onSuccess: close })}
    >
      <p>{t('deadLetter.itHoldsUntilTheSource')}</p>
      <Textarea
        label={t('deadLetter.record')}
        autosize
        minRows={6}
        maxRows={24}
        mt="sm"
        spellCheck={false}
        styles={{ input: { fontFamily: 'monospace' } }}
        value={text}
        error={fault}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </Confirm>
  )
}

/** Why a text cannot be a record; its values are not looked at. */
function faultOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : t('deadLetter.aRecordIsAJson')
  } catch (error) {
    return (error as Error).message
  }
}
