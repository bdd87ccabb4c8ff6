import { type CausewayError, type Json, setOwn } from '../core/index.ts'
import { located } from './failure.ts'
import type { Output } from './output.ts'
import type { PreparedExpression, PreparedTemplate } from './prepare.ts'
import type { View } from './view.ts'

/** Fills the template for one part: compiled fields run here, the others were evaluated together before. */
export class Filler {
  readonly #view: View
  readonly #evaluated: Record<string, unknown> | undefined
  readonly #output: Output
  /** Where in the output the field at hand stands; one array that grows and shrinks, because this runs for every field. */
  readonly #at: (string | number)[] = []

  constructor(view: View, evaluated: Record<string, unknown> | undefined, output: Output) {
    this.#view = view
    this.#evaluated = evaluated
    this.#output = output
  }

  fill(template: PreparedTemplate): Json | undefined {
    switch (template.kind) {
      case 'constant':
        return template.value
      case 'expression':
        return this.#accept(this.#evaluate(template.expression), template.expression)
      case 'object': {
        const result = {}
        for (const [key, item] of template.entries) {
          const value = this.#below(key, item)
          if (value !== undefined) setOwn(result, key, value)
        }
        return result
      }
      case 'array':
        return this.#list(template)
    }
  }

  /** As in a JSONata list, what an item gives is appended; every element is accepted at the place it ends up in. */
  #list({ items, flatten }: Extract<PreparedTemplate, { kind: 'array' }>): Json[] {
    const result: Json[] = []
    const append = (accept: () => Json | undefined) => {
      this.#at.push(result.length)
      const value = accept()
      this.#at.pop()
      if (value !== undefined) result.push(value)
    }
    for (const [i, item] of items.entries()) {
      if (item.kind !== 'expression') {
        append(() => this.fill(item))
        continue
      }
      const { expression } = item
      const raw = this.#evaluate(expression)
      const elements = flatten[i] && Array.isArray(raw) ? raw : [raw]
      for (const element of elements) append(() => this.#accept(element, expression))
    }
    return result
  }

  #below(step: string | number, template: PreparedTemplate): Json | undefined {
    this.#at.push(step)
    const value = this.fill(template)
    this.#at.pop()
    return value
  }

  #evaluate(expression: PreparedExpression): unknown {
    if (expression.slot >= 0) return this.#evaluated?.[expression.slot]
    try {
      return expression.evaluateSync(this.#view.input, this.#view.bindings, this.#view)
    } catch (error) {
      throw this.#blame(error, expression)
    }
  }

  #accept(value: unknown, expression: PreparedExpression): Json | undefined {
    try {
      return this.#output.accept(value, this.#at, expression.slot >= 0 ? 'evaluated' : this.#view.provenance)
    } catch (error) {
      throw this.#blame(error, expression)
    }
  }

  #blame(error: unknown, expression: PreparedExpression): CausewayError {
    const failure = located(error, expression)
    failure.data.field = this.#at.join('.')
    return failure
  }
}
