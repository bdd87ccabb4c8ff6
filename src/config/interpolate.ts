/** `${NAME}` and `${NAME:-default}` in the texts of a hub file. */
import type { Environment } from './load-settings.ts'

/** A variable that is not set and has no default; `offset` is where its `$` stands in the text. */
export type MissingVariable = { name: string; offset: number }

/** `$${` stands for a literal `${`. A `${` that is not followed by a variable's name and `}` is a fault, not text. */
const PLACEHOLDER = /\$?\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g

/** Replaces placeholders by environment variables. Empty variables count as absent, as they do for settings. */
export function interpolate(text: string, env: Environment): { text: string; missing: MissingVariable[] } {
  const missing: MissingVariable[] = []
  const replaced = text.replace(
    PLACEHOLDER,
    (whole, name: string | undefined, fallback: string | undefined, offset: number) => {
      if (whole.startsWith('$$')) return whole.slice(1)
      const value = name === undefined ? undefined : env[name] || fallback
      if (value !== undefined) return value
      missing.push({ name: name ?? '', offset })
      return ''
    },
  )
  return { text: replaced, missing }
}

/** True when a text takes something from the environment. */
export const hasPlaceholder = (text: string): boolean => /(?<!\$)\$\{[A-Za-z_]/.test(text)

/** The variable that a text consists of, if it is nothing but one. */
export const variableOf = (text: string): string | undefined =>
  /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}$/.exec(text)?.[1]
