import type { TwoSystems } from '../identity/people.ts'

/** Figures and bars of a program, printed as they come; a bar that is missed ends the program with 1. */
export class Judge {
  #missed = 0
  #open = 0

  note(what: string, figure: string | number): void {
    process.stdout.write(`     ${what}: ${figure}\n`)
  }

  holds(what: string, does: boolean): void {
    if (!does) this.#missed++
    process.stdout.write(`${does ? 'ok  ' : 'FAIL'} ${what}\n`)
  }

  /** A bar that could not be judged here, and why: neither reached nor missed. */
  leavesOpen(what: string): void {
    this.#open++
    process.stdout.write(`open ${what}\n`)
  }

  /** Of the links that were made without a person so many must be right, and so many of those that should be. */
  links(links: ReadonlyMap<string, string>, { same }: TwoSystems): void {
    const right = [...links].filter(([id, number]) => same.get(id) === number).length
    const [precision, recall] = [right / links.size, right / same.size]
    this.note('links made without a person', `${links.size} of ${same.size} pairs`)
    this.holds(`precision ${precision.toFixed(4)}, at least 0.99`, precision >= 0.99)
    this.holds(`recall ${recall.toFixed(4)}, at least 0.9`, recall >= 0.9)
  }

  end(): void {
    const reached = this.#open
      ? `All bars that could be judged are reached, ${this.#open} could not.`
      : 'All bars are reached.'
    process.stdout.write(this.#missed ? `${this.#missed} missed\n` : `${reached}\n`)
    if (this.#missed) process.exitCode = 1
  }
}
