import { spelled } from '../http/index.ts'
import { type Absence, type Department, type Employee, localTime } from './records.ts'

/** Records as the API shows them: snake case, nested department, numbers with a spelling of their own. */
export const showEmployee = (one: Employee, department: Department | undefined) => ({
  id: spelled(one.id),
  employee_number: one.employeeNumber,
  first_name: one.firstName,
  last_name: one.lastName,
  work_email: one.workEmail,
  private_email: one.privateEmail,
  phone: one.phone,
  job_title: one.jobTitle,
  department: department === undefined ? null : { id: department.id, name: department.name },
  manager_id: one.managerId === null ? null : spelled(one.managerId),
  location: one.location,
  country: one.country,
  language: one.language,
  status: one.status,
  hire_date: one.hireDate,
  termination_date: one.terminationDate,
  weekly_hours: spelled(one.weeklyHours),
  skills: one.skills,
  updated_at: localTime(one.updatedAt),
})

export const showAbsence = (one: Absence) => ({
  id: one.id,
  employee_id: spelled(one.employeeId),
  type: one.type,
  from: one.from,
  to: one.to,
  days: one.days,
  status: one.status,
  updated_at: localTime(one.updatedAt),
})

export const showDepartment = (one: Department) => ({
  id: one.id,
  name: one.name,
  parent_id: one.parentId,
  cost_centre: one.costCentre,
  updated_at: localTime(one.updatedAt),
})
