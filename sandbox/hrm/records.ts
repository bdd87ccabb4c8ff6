import type { Row } from '../state/index.ts'

/**
 * Employee ids are 19 digits long, far beyond 2^53, and travel as JSON numbers. Inside they are text, so that nothing rounds
 * them; `weeklyHours` likewise keeps its two decimals (37.50).
 */
export type Employee = Row & {
  id: string
  employeeNumber: string
  firstName: string
  lastName: string
  workEmail: string
  privateEmail: string | null
  phone: string | null
  jobTitle: string
  departmentId: number
  managerId: string | null
  location: string
  country: string
  language: string
  status: 'active' | 'on_leave' | 'left'
  hireDate: string
  terminationDate: string | null
  weeklyHours: string
  skills: string[]
  updatedAt: number
}
export type Absence = Row & {
  id: number
  employeeId: string
  type: 'vacation' | 'sick' | 'parental' | 'training'
  from: string
  to: string
  days: number
  status: 'requested' | 'approved' | 'rejected'
  updatedAt: number
}
export type Department = Row & {
  id: number
  name: string
  parentId: number | null
  costCentre: string
  updatedAt: number
}

/** First employee id; the next ones are 4096 apart, as ids of a distributed counter are. */
const FIRST_EMPLOYEE = 1_152_921_504_606_847_001n
export const employeeId = (serial: number): string => String(FIRST_EMPLOYEE + BigInt(serial) * 4096n)

const OFFSET_MS = 3_600_000
/** Local time of the office with its offset: 2026-06-30T14:00:00.123+01:00. Summer time is not observed. */
export const localTime = (ms: number): string => new Date(ms + OFFSET_MS).toISOString().replace('Z', '+01:00')
