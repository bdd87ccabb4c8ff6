/** Who did it, for the audit trail. */
export type Actor = { name: string; reason: string | null }
