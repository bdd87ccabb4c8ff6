import { type Answer, RateLimit, Refusal, Router, type StandIn } from '../http/index.ts'
import { Store } from '../state/index.ts'
import type { World } from '../world/index.ts'
import { list } from './list.ts'
import type { Absence, Department, Employee } from './records.ts'
import { seedHrm } from './seed.ts'
import { Staff } from './staff.ts'
import { tickHrm } from './tick.ts'
import { showAbsence, showDepartment, showEmployee } from './wire.ts'

export type HrmOptions = { folder: string | null; world: World; token: string }

/** An HRM in the manner of Personio and HiBob: bearer token, next-page addresses, merge patches, ids beyond 2^53. */
export function createHrm({ folder, world, token }: HrmOptions): StandIn {
  const store = new Store('hrm', folder)
  const staff = new Staff(store)
  store.start(() => seedHrm(store, world))
  return {
    name: 'hrm',
    store,
    router: routes(store, staff),
    limit: new RateLimit(50, 1000),
    authorise(call) {
      if (call.header('authorization') !== `Bearer ${token}`)
        throw new Refusal(401, 'unauthorized', 'The token is not valid')
    },
    refuse,
    stamp: (_table, row) => ({ ...row, updatedAt: Date.now() }),
    tick: (random) => tickHrm(random, store, staff),
  }
}

function routes(store: Store, staff: Staff): Router {
  const router = new Router()
  const absences = store.table<Absence>('absences')
  const departments = store.table<Department>('departments')
  const show = (one: Employee) => showEmployee(one, departments.get(String(one.departmentId)))
  router.on('GET', '/v2/employees', (call) => {
    const status = call.query.get('status')
    const email = call.query.get('work_email')?.toLowerCase()
    const keep = (one: Employee) =>
      (status === null || one.status === status) && (email === undefined || one.workEmail.toLowerCase() === email)
    return { status: 200, json: list(staff.table, call, show, keep) }
  })
  router.on('POST', '/v2/employees', (call) => ({ status: 201, json: { data: show(staff.create(call.json())) } }))
  router.on('GET', '/v2/employees/:id', (call) => ({
    status: 200,
    json: { data: show(staff.get(call.params.id ?? '')) },
  }))
  router.on('PATCH', '/v2/employees/:id', (call) => ({
    status: 200,
    json: { data: show(staff.patch(call.params.id ?? '', call.json())) },
  }))
  router.on('GET', '/v2/absences', (call) => {
    const employee = call.query.get('employee_id')
    return {
      status: 200,
      json: list(absences, call, showAbsence, (one) => employee === null || one.employeeId === employee),
    }
  })
  router.on('GET', '/v2/absences/:id', (call) => {
    const absence = absences.get(call.params.id ?? '')
    if (absence === undefined) throw new Refusal(404, 'not_found', `Absence ${call.params.id} does not exist`)
    return { status: 200, json: { data: showAbsence(absence) } }
  })
  router.on('GET', '/v2/departments', (call) => ({
    status: 200,
    json: list(departments, call, showDepartment, () => true),
  }))
  return router
}

function refuse(refusal: Refusal): Answer {
  const { waitMs } = refusal.details
  return {
    status: refusal.status,
    // The reset is a moment (seconds since 1970), not a duration.
    headers: typeof waitMs === 'number' ? { 'x-ratelimit-reset': String(Math.ceil((Date.now() + waitMs) / 1000)) } : {},
    json: {
      success: false,
      error: { code: refusal.code, message: refusal.message },
      ...(refusal.problems.length > 0 && {
        error_data: Object.fromEntries(refusal.problems.map(({ field, message }) => [field, [message]])),
      }),
    },
  }
}
