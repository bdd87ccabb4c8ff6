/** What a manifest writes, with logins in steps: requests that feed one another. */
import { ANY, itemOf, listOf, objectOf, type RawSchema, scalar, type Type, typeOfSchema } from '../apispec/index.ts'
import { isObject, type Json, type JsonObject, type YamlPath } from '../core/index.ts'
import type { SpecExpressions } from './spec-expressions.ts'
import type { SpecRequests } from './spec-requests.ts'
import type { Names } from './spec-rows.ts'

const STRING = scalar('string')
const CALLS = ['path', 'url', 'operation']

export class SpecWrites {
  private readonly expressions: SpecExpressions
  private readonly requests: SpecRequests

  constructor(expressions: SpecExpressions, requests: SpecRequests) {
    this.expressions = expressions
    this.requests = requests
  }

  /** An operation: its own request, and those for many records. */
  write(kind: string, spec: JsonObject, at: YamlPath, schema: JsonObject | undefined): void {
    const values = schema ? typeOfSchema(schema as RawSchema, () => undefined) : ANY
    const one: Names = {
      settings: ANY,
      values,
      known: values,
      record: values,
      ref: STRING,
      id: STRING,
      idempotency_key: STRING,
      version: STRING,
      key: objectOf({ field: STRING, value: STRING }),
      index: scalar('integer'),
      file: ANY,
    }
    const method = kind === 'delete' ? 'DELETE' : kind === 'update' ? 'PATCH' : kind === 'upsert' ? 'PUT' : 'POST'
    if (CALLS.some((name) => spec[name] !== undefined) || typeof spec.query === 'string') {
      const answer = { settings: ANY, ...this.requests.answerOf(this.requests.request(spec, at, method, one)) }
      for (const field of ['id', 'version', 'returned'])
        this.expressions.expression(spec[field], [...at, field], answer)
    }
    for (const many of ['batch', 'bulk'])
      if (isObject(spec[many])) this.batch(spec[many] as JsonObject, [...at, many], one)
  }

  /** The requests of a login in steps. */
  login(auth: JsonObject, at: YamlPath): void {
    this.steps(auth.steps, [...at, 'steps'], { settings: ANY })
    const { refresh } = auth as Record<string, JsonObject>
    if (!isObject(refresh)) return
    const names = { settings: ANY, refresh_token: STRING, token: ANY }
    const answer = this.requests.answerOf(this.requests.request(refresh, [...at, 'refresh'], 'GET', names))
    this.expressions.expression(refresh.value, [...at, 'refresh', 'value'], answer)
  }

  /** Requests whose answers feed the next; gives what each gave, by name. */
  private steps(steps: Json | undefined, at: YamlPath, names: Names): Type {
    const given: Names = {}
    for (const [index, step] of (Array.isArray(steps) ? (steps as JsonObject[]) : []).entries()) {
      const scope = { ...names, steps: objectOf({ ...given }) }
      const answer = this.requests.answerOf(this.requests.request(step, [...at, index], 'GET', scope))
      for (const field of ['until', 'failed', 'message'])
        this.expressions.expression(step[field], [...at, index, field], answer)
      given[String(step.name)] = this.expressions.expression(step.value ?? 'response', [...at, index, 'value'], answer)
    }
    return objectOf(given)
  }

  /** What `response` is once a job has run: its last status, and the outcomes by name. */
  private jobAnswer(job: JsonObject, opened: Names, at: YamlPath, names: Names): Type {
    const scope: Names = { ...names, job: ANY, item: ANY, index: scalar('integer') }
    this.expressions.expression(job.id, [...at, 'id'], opened)
    const ask = (field: string, method: string): Names =>
      isObject(job[field])
        ? this.requests.answerOf(this.requests.request(job[field] as JsonObject, [...at, field], method, scope))
        : { response: ANY }
    ask('upload', 'PUT')
    ask('each', 'POST')
    ask('close', 'PATCH')
    const status = ask('status', 'GET')
    for (const field of ['done', 'failed', 'message']) this.expressions.expression(job[field], [...at, field], status)
    const given: Names = { status: status.response! }
    for (const [name, spec] of Object.entries((job.outcomes ?? {}) as Record<string, JsonObject>)) {
      const place = [...at, 'outcomes', name]
      const before = { response: objectOf({ ...given }), settings: ANY }
      const item =
        spec.each === undefined ? ANY : itemOf(this.expressions.expression(spec.each, [...place, 'each'], before))
      const { response } = this.requests.answerOf(this.requests.request(spec, place, 'GET', { ...scope, item }))
      const answer = spec.as === undefined || spec.as === 'json' ? response! : spec.as === 'text' ? STRING : ANY
      given[name] = spec.each === undefined ? answer : listOf(objectOf({ item, answer }))
    }
    return objectOf(given)
  }

  private batch(spec: JsonObject, at: YamlPath, one: Names): void {
    const item = this.expressions.template(spec.item ?? '${ values }', [...at, 'item'], one)
    const { job } = spec as Record<string, JsonObject>
    const steps = isObject(job) ? this.steps(job.steps, [...at, 'job', 'steps'], { settings: ANY, secret: ANY }) : ANY
    const names = { settings: ANY, items: listOf(item), ids: listOf(STRING), steps, secret: ANY }
    const operations = this.requests.request(spec, at, 'POST', spec.each === undefined ? names : { ...one, ...names })
    const opened = { settings: ANY, ...this.requests.answerOf(operations) }
    const answer = isObject(job) ? { ...opened, response: this.jobAnswer(job, opened, [...at, 'job'], names) } : opened
    const result = itemOf(this.expressions.expression(spec.results, [...at, 'results'], answer))
    const error = itemOf(this.expressions.expression(spec.errors, [...at, 'errors'], answer))
    const scope = {
      ...answer,
      result: operations.length && spec.results !== undefined ? result : ANY,
      error: operations.length && spec.errors !== undefined ? error : ANY,
    }
    for (const field of ['failed', 'missing', 'conflict', 'again', 'id', 'version', 'message', 'error_message'])
      this.expressions.expression(spec[field], [...at, field], scope)
    if (isObject(spec.correlate))
      for (const field of ['result', 'error'])
        this.expressions.expression((spec.correlate as JsonObject)[field], [...at, 'correlate', field], scope)
  }
}
