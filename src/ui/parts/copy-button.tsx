import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { t } from '../texts/index.ts'

/** Copies a text and says so. Not there where the browser has no clipboard: it exists on https and on this machine only. */
export function CopyButton({ text, label }: { text: string; label: string }): ReactNode {
  const [copied, setCopied] = useState<string | null>(null)
  if (!navigator.clipboard) return null
  return (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(text))}
    >
      {copied === text ? t('parts.copied') : label}
    </Button>
  )
}
