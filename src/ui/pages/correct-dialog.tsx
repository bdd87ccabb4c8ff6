import { Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { indentJson, type JsonText } from '../api/json-text.ts'
import { post, useAction } from '../api/queries.ts'
import { Confirm } from '../parts/confirm.tsx'

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
      title="Correct the record and try again"
      verb="Try again"
      reason="optional"
      ready={fault === null}
      busy={correct.isPending}
      error={correct.error}
      close={close}
      confirm={(reason) => correct.mutate(reason, { onSuccess: close })}
    >
      <p>It holds until the source says something newer about this record. The source itself is not changed.</p>
      <Textarea
        label="Record"
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
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'A record is a JSON object.'
  } catch (error) {
    return (error as Error).message
  }
}
