import type { Role } from '../../../access/index.ts'

const MEANINGS: Record<Role, string> = {
  viewer: 'sees everything, changes nothing',
  operator: 'runs, pauses, tries again',
  editor: 'decides what is written',
  admin: 'manages users, tokens and keys',
}

export const ROLE_CHOICES = Object.entries(MEANINGS).map(([value, meaning]) => ({
  value,
  label: `${value}: ${meaning}`,
}))
