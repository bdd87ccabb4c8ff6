import type { Store } from '../state/index.ts'
import { PAST_ENDS, past, type World } from '../world/index.ts'
import { type Absence, type Department, type Employee, employeeId } from './records.ts'

const DEPARTMENTS: readonly (readonly [name: string, parent: number | null])[] = [
  ['Zarząd / Geschäftsführung', null],
  ['Service & Support', 1],
  ['Sprzedaż', 1],
  ['Vertrieb DACH', 3],
  ['Comptabilité', 1],
  ['Produkcja', 1],
  ['Logistyka', 6],
  ['IT', 1],
  ['HR', 1],
  ['Research & Development', 6],
]
const LOCATIONS = [
  ['Gdańsk', 'PL'],
  ['Görlitz', 'DE'],
  ['Besançon', 'FR'],
  ['Leeds', 'GB'],
] as const
const TITLES: readonly (readonly string[])[] = [
  ['Prezes', 'Prokuristin'],
  ['Support Engineer', 'Team Lead Service', 'Konsultant serwisu'],
  ['Handlowiec', 'Key Account Manager'],
  ['Vertriebsmitarbeiter', 'Außendienst'],
  ['Comptable', 'Księgowa'],
  ['Ślusarz', 'Schweißer', 'Brygadzista'],
  ['Magazynier', 'Fahrer'],
  ['Administrator', 'Developer'],
  ['HR Business Partner'],
  ['Konstruktorka', 'Ingénieur R&D'],
]
const DAY = 86_400_000
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Fills a new HRM: 10 departments, 120 employees (14 have left), 500 absences. */
export function seedHrm(store: Store, world: World): void {
  const random = world.random.for('hrm')
  for (const [name, parentId] of DEPARTMENTS) {
    const id = store.next('departments')
    const costCentre = `0${id}${random.digits(3)}`
    store.table<Department>('departments').put(String(id), { id, name, parentId, costCentre, updatedAt: past(random) })
  }
  const employees = store.table<Employee>('employees')
  for (const [index, person] of world.staff.entries()) {
    const serial = store.next('employees')
    const id = employeeId(serial)
    // The first two dozen answer tickets; the helpdesk knows them already.
    const departmentId = index < 24 ? 2 : index < 26 ? 1 : random.int(3, DEPARTMENTS.length)
    const [location, country] = random.pick(LOCATIONS)
    const left = index % 9 === 8
    const hired = PAST_ENDS - random.int(200, 5000) * DAY
    const row: Employee = {
      id,
      employeeNumber: `E-${String(serial).padStart(4, '0')}`,
      firstName: person.firstName,
      lastName: person.lastName,
      workEmail: person.email,
      privateEmail: random.chance(0.5) ? person.email.replace(/@.*/, '@home.example') : null,
      phone: person.phone,
      jobTitle: random.pick(TITLES[departmentId - 1]!),
      departmentId,
      managerId: index === 0 ? null : employeeId(random.int(1, Math.min(index, 12))),
      location,
      country,
      language: person.language,
      status: left ? 'left' : random.chance(0.05) ? 'on_leave' : 'active',
      hireDate: day(hired),
      terminationDate: left ? day(PAST_ENDS - random.int(1, 190) * DAY) : null,
      weeklyHours: random.pick(['40.00', '40.00', '37.50', '20.00']),
      skills: random.chance(0.5) ? [random.pick(['Pierwsza pomoc', 'Gabelstapler', 'SQL', 'Soudure'])] : [],
      updatedAt: past(random),
    }
    employees.put(id, row)
  }
  const ids = [...employees.entries()].map(([id]) => id)
  for (let i = 0; i < 500; i++) {
    const id = store.next('absences', 3001)
    const days = random.int(1, 15)
    const from = PAST_ENDS + random.int(-300, 120) * DAY
    const to = day(from + days * DAY)
    const type = random.pick(['vacation', 'vacation', 'sick', 'parental', 'training'] as const)
    const status = random.pick(['approved', 'approved', 'requested', 'rejected'] as const)
    const absence = {
      id,
      employeeId: random.pick(ids),
      type,
      from: day(from),
      to,
      days,
      status,
      updatedAt: past(random),
    }
    store.table<Absence>('absences').put(String(id), absence)
  }
}
