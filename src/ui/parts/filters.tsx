import { Button, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { t, word } from '../texts/index.ts'
import { fieldTime, momentOf } from './clock.ts'
import { timeZoneOf, useZone } from './zone.ts'

/** The row of filters above a list. */
export function Filters({ children, clear }: { children: ReactNode; clear?: (() => void) | undefined }): ReactNode {
  return (
    <search className="filters">
      {children}
      {clear && (
        <Button size="xs" variant="subtle" onClick={clear}>
          {t('parts.clear')}
        </Button>
      )}
    </search>
  )
}

type TextProps = {
  label: string
  value: string | null
  onChange: (value: string | null) => void
  placeholder?: string
  wide?: boolean
}

/** Takes effect with Enter or when left, not with every key: each change is a question to the hub and an address. */
export function FilterText({ label, value, onChange, placeholder, wide }: TextProps): ReactNode {
  const [words, setWords] = useState(value ?? '')
  useEffect(() => setWords(value ?? ''), [value])
  const commit = (): void => {
    const wanted = words.trim() || null
    if (wanted !== value) onChange(wanted)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    commit()
  }
  return (
    <form onSubmit={submit} className={wide ? 'wide' : undefined}>
      <TextInput
        size="xs"
        label={label}
        value={words}
        maxLength={1_000}
        onChange={(event) => setWords(event.currentTarget.value)}
        onBlur={commit}
        {...(placeholder ? { placeholder } : {})}
      />
    </form>
  )
}

type ChoiceProps = {
  label: string
  value: string | null
  onChange: (value: string | null) => void
  choices: readonly string[]
  none: string
}

export function FilterChoice({ label, value, onChange, choices, none }: ChoiceProps): ReactNode {
  // What the address asks for is offered even when it is no longer among the choices.
  const offered = value !== null && !choices.includes(value) ? [value, ...choices] : choices
  return (
    <NativeSelect
      size="xs"
      label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || null)}
      data={[{ value: '', label: none }, ...offered.map((choice) => ({ value: choice, label: word('words', choice) }))]}
    />
  )
}

/** A moment in the zone of the page; the address and the hub have it in UTC. */
export function FilterMoment({ label, value, onChange }: Omit<TextProps, 'placeholder' | 'wide'>): ReactNode {
  const zone = useZone()
  return (
    <TextInput
      className="moment"
      size="xs"
      type="datetime-local"
      label={zone === 'local' ? label : `${label} (${timeZoneOf(zone)})`}
      value={value === null ? '' : fieldTime(value)}
      onChange={(event) => onChange(momentOf(event.currentTarget.value))}
    />
  )
}
