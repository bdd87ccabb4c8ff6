/**
 * Why work is told to end when its process goes. Nothing new begins; a write that is on its way may wait for its answer this long,
 * for one that is cut is of unknown outcome and has to be looked up by whoever goes on.
 */
export class ProcessStops extends Error {
  readonly answerWithinMs: number

  constructor(answerWithinMs: number) {
    super('the process stops')
    this.name = 'ProcessStops'
    this.answerWithinMs = answerWithinMs
  }
}
