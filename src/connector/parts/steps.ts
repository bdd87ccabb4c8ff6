/** Several requests whose answers feed the next: a login that is more than one question, what must be known before a session. */
import { type Json, systemClock } from '../../core/index.ts'
import {
  type Expression,
  expression,
  type Fields,
  integer,
  list,
  number,
  type PartFinding,
  part,
  section,
  text,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope, type CallOptions } from './answer.ts'
import { polled } from './poll.ts'

const ownFields = {
  name: text({
    sense: 'Its name: what comes later sees what it gave as `steps.<name>`.',
    pattern: '^[a-z][a-z0-9_]*$',
    required: true,
    example: 'challenge',
  }),
  value: expression({
    sense: 'What is kept of the answer.',
    names: ANSWER_NAMES,
    default: 'response',
    example: 'response.challenge',
  }),
  until: expression({
    sense: 'Where the system takes its time: asked again until this is true.',
    names: ANSWER_NAMES,
    example: 'response.status != "pending"',
  }),
  failed: expression({
    sense: 'True where it came to nothing.',
    names: ANSWER_NAMES,
    example: 'response.status = "refused"',
  }),
  message: expression({ sense: 'Why it came to nothing.', names: ANSWER_NAMES, example: 'response.reason' }),
  every_seconds: number({
    sense: 'How long to wait before asking again; the wait grows.',
    default: 1,
    minimum: 0.01,
    maximum: 60,
  }),
  deadline_seconds: integer({ sense: 'How long `until` may take.', default: 30, minimum: 1 }),
}

/** A list of steps; requests see `names`, and the steps before them. */
export const stepsField = <R extends Fields, const O extends { sense: string; required?: true }>(
  request: (names: readonly string[]) => R,
  names: readonly string[],
  notes: O,
) =>
  list(
    section(
      part({
        title: 'Step',
        sense: 'One request; the ones behind it use what it gave.',
        fields: { ...request([...names, 'steps']), ...ownFields },
      }),
      { sense: 'One request.' },
    ),
    notes,
  )

export type Step<R> = R & {
  name: string
  value: Expression
  until: Expression | undefined
  failed: Expression | undefined
  message: Expression | undefined
  every_seconds: number
  deadline_seconds: number
}

/** Two steps of one name would hide each other. */
export function stepFindings(field: string, steps: readonly { name: string }[] | undefined): PartFinding[] {
  const names = (steps ?? []).map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  return twice === undefined
    ? []
    : [{ field, message: `two steps have the name ${twice}`, fix: 'Give each step a name of its own.' }]
}

type Run<R> = {
  steps: readonly Step<R>[]
  scope: Record<string, unknown>
  settings: unknown
  options: CallOptions
  send(step: R, scope: Record<string, unknown>, options: CallOptions): Promise<Answer>
}

/**
 * Sends the steps in their order. Gives what they gave, by name. Throws the failure of the first that does not succeed
 * (CSW-3016 where the system says that it came to nothing, CSW-3002 where it takes too long).
 */
export async function runSteps<R>({ steps, scope, settings, options, send }: Run<R>): Promise<Record<string, Json>> {
  const given: Record<string, Json> = {}
  for (const step of steps) {
    // A copy: nothing that was handed out changes later.
    const names = { ...scope, steps: { ...given } }
    const answer = await answered(step, (asking) => send(step, names, asking), settings, options)
    given[step.name] = (step.value.evaluate(answerScope(answer, settings)) as Json | undefined) ?? null
  }
  return given
}

/** The answer of one step: the first, or the first that `until` is true of. */
async function answered<R>(
  step: Step<R>,
  send: (options: CallOptions) => Promise<Answer>,
  settings: unknown,
  options: CallOptions,
): Promise<Answer> {
  const asking = polled<null>({
    caller: { defined: () => true, call: (_request, _scope, { signal }) => send({ ...options, signal }) },
    settings,
    spec: { ...step, id: undefined, status: null, done: step.until ?? ALWAYS },
    job: null,
    startedAt: systemClock.now().getTime(),
    signal: options.signal,
  })
  let asked = await asking.next()
  while (!asked.done) asked = await asking.next()
  return asked.value
}

const ALWAYS: Expression = {
  source: 'true',
  place: { file: '', line: 1, column: 1 },
  evaluate: () => true,
  looksInto: new Set(),
}
