import type { Store } from '../state/index.ts'
import { LOCALES, PersonMaker, type Random, STAFF_DOMAIN } from '../world/index.ts'
import type { Absence } from './records.ts'
import type { Staff } from './staff.ts'

const DAY = 86_400_000
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** A few seconds in HR: new titles, requests for leave; seldom somebody starts, leaves, or withdraws a request. */
export function tickHrm(random: Random, store: Store, staff: Staff): void {
  const active = [...staff.table.rows()].filter((one) => one.status === 'active')
  const someone = random.pick(active)
  const titles = ['Senior Engineer', 'Starsza specjalistka', 'Abteilungsleiter', 'Chargée de mission']
  staff.patch(
    someone.id,
    random.chance(0.5)
      ? { job_title: random.pick(titles) }
      : { phone: `+48 12 000 ${random.digits(2)} ${random.digits(2)}` },
  )
  if (random.chance(0.08) && staff.table.size < 400) hire(random, staff)
  if (random.chance(0.03) && active.length > 80)
    staff.patch(random.pick(active.slice(24)).id, { termination_date: day(Date.now()) })
  const absences = store.table<Absence>('absences')
  if (random.chance(0.5)) requestLeave(random, store, someone.id)
  const requested = [...absences.rows()].filter((absence) => absence.status === 'requested')
  if (requested.length === 0) return
  const one = random.pick(requested)
  // Withdrawn requests are gone for good; only a complete reading shows that.
  if (random.chance(0.15)) absences.delete(String(one.id))
  else absences.put(String(one.id), { ...one, status: 'approved', updatedAt: Date.now() })
}

function hire(random: Random, staff: Staff): void {
  const person = new PersonMaker(random).make(STAFF_DOMAIN, random.pick(LOCALES))
  const taken = staff.table.find('workEmail', person.email).length > 0
  staff.create({
    first_name: person.firstName,
    last_name: person.lastName,
    work_email: taken ? person.email.replace('@', `.${random.digits(5)}@`) : person.email,
    phone: person.phone,
    job_title: random.pick(['Support Engineer', 'Magazynier', 'Développeuse']),
    department_id: random.int(2, 10),
    country: person.address.country,
    location: person.address.city,
    language: person.language,
    hire_date: day(Date.now()),
  })
}

function requestLeave(random: Random, store: Store, employee: string): void {
  const absences = store.table<Absence>('absences')
  if (absences.size > 2000) return
  const id = store.next('absences', 3001)
  const days = random.int(1, 10)
  const from = Date.now() + random.int(3, 60) * DAY
  const dates = { from: day(from), to: day(from + days * DAY), days }
  absences.put(String(id), {
    id,
    employeeId: employee,
    type: 'vacation',
    ...dates,
    status: 'requested',
    updatedAt: Date.now(),
  })
}
