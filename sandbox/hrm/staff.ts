import { check, type Fields } from '../fields/index.ts'
import { type FieldProblem, Refusal } from '../http/index.ts'
import type { Store, Table } from '../state/index.ts'
import { type Department, type Employee, employeeId } from './records.ts'

const ISO_DAY = [/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a day such as 2026-01-31'] as const

/** What may be written, under its outside name. Other fields are passed over without a word, as some HR systems do. */
const WRITABLE = {
  first_name: { type: 'text', required: true, max: 80 },
  last_name: { type: 'text', required: true, max: 80 },
  work_email: { type: 'email', required: true },
  private_email: { type: 'email' },
  phone: { type: 'text', max: 40 },
  job_title: { type: 'text', required: true, max: 120 },
  department_id: { type: 'integer', required: true },
  manager_id: { type: 'integer' },
  location: { type: 'text' },
  country: { type: 'text', form: [/^[A-Z]{2}$/, 'must be a country code of two capitals'] },
  language: { type: 'option', options: ['pl', 'de', 'fr', 'en'] },
  hire_date: { type: 'text', required: true, form: ISO_DAY },
  termination_date: { type: 'text', form: ISO_DAY },
  weekly_hours: { type: 'number' },
  skills: { type: 'texts' },
} as const satisfies Fields

/** Employees and their rules. */
export class Staff {
  readonly table: Table<Employee>
  readonly departments: Table<Department>
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
    this.departments = store.table<Department>('departments')
    this.table = store.table<Employee>('employees')
  }

  get(id: string): Employee {
    const employee = this.table.get(id)
    if (employee === undefined) throw new Refusal(404, 'not_found', `Employee ${id} does not exist`)
    return employee
  }

  create(input: Record<string, unknown>): Employee {
    const values = writable(input)
    this.#validate(values, null)
    const serial = this.#store.next('employees')
    const id = employeeId(serial)
    const empty = {
      privateEmail: null,
      phone: null,
      managerId: null,
      location: 'Gdańsk',
      country: 'PL',
      language: 'pl',
    }
    const rest = { terminationDate: null, weeklyHours: '40.00', skills: [] }
    const employeeNumber = `E-${String(serial).padStart(4, '0')}`
    return this.#save({ id, employeeNumber, ...empty, ...rest, ...inside(values) } as unknown as Employee)
  }

  /** Merges the given fields; `null` empties one. A date of termination that has come makes the employee one who left. */
  patch(id: string, input: Record<string, unknown>): Employee {
    const before = this.get(id)
    const values = writable(input)
    this.#validate(values, before)
    return this.#save({ ...before, ...inside(values) })
  }

  #save(employee: Employee): Employee {
    const today = new Date().toISOString().slice(0, 10)
    const gone = employee.terminationDate !== null && employee.terminationDate <= today
    const status = gone ? 'left' : employee.status === 'on_leave' ? 'on_leave' : 'active'
    return this.table.put(employee.id, { ...employee, status, updatedAt: Date.now() })
  }

  #validate(values: Record<string, unknown>, before: Employee | null): void {
    const problems: FieldProblem[] = check(WRITABLE, values, before === null ? 'whole' : 'part')
    const { department_id: department, manager_id: manager, work_email: email } = values
    if (department !== undefined && this.departments.get(String(department)) === undefined)
      problems.push({ field: 'department_id', code: 'unknown', message: `There is no department ${department}` })
    if (manager !== undefined && manager !== null && this.table.get(String(manager)) === undefined)
      problems.push({ field: 'manager_id', code: 'unknown', message: `There is no employee ${manager}` })
    if (before !== null && email !== undefined && email !== before.workEmail)
      problems.push({ field: 'work_email', code: 'fixed', message: 'work_email cannot be changed' })
    if (before === null && this.table.find('workEmail', email).length > 0)
      problems.push({ field: 'work_email', code: 'taken', message: `${email} is already in use` })
    if (problems.length > 0) throw new Refusal(422, 'invalid', 'The employee was not saved', {}, problems)
  }
}

const writable = (input: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([name]) => Object.hasOwn(WRITABLE, name)))

/** From outside names to inside names. */
function inside(values: Record<string, unknown>): Partial<Employee> {
  const row: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) {
    const key = name.replace(/_(\w)/g, (_whole, letter: string) => letter.toUpperCase())
    if (name === 'manager_id') row[key] = value === null ? null : String(value)
    else if (name === 'department_id') row[key] = Number(value)
    else if (name === 'weekly_hours') row[key] = Number(value).toFixed(2)
    else row[key] = value
  }
  return row as Partial<Employee>
}
