/** Repeatable chance: the same seed and label always give the same draws, whatever others have drawn. */
export class Random {
  readonly #seed: number
  #state: number

  constructor(seed: number) {
    this.#seed = seed | 0
    this.#state = this.#seed
  }

  /** An independent source for one purpose, so that a new draw in one place changes nothing elsewhere. */
  for(label: string): Random {
    let hash = this.#seed ^ 0x9e3779b9
    for (let i = 0; i < label.length; i++) hash = scramble(hash ^ label.charCodeAt(i))
    return new Random(hash)
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return (scramble(this.#state) >>> 0) / 2 ** 32
  }

  /** A whole number from `low` to `high`, both possible. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T
  }

  /** Digits in a row, as text. */
  digits(count: number): string {
    let text = ''
    for (let i = 0; i < count; i++) text += this.int(0, 9)
    return text
  }
}

/** Spreads every bit over all 32 (the closing step of MurmurHash3). */
function scramble(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
