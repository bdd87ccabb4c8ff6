import { expect, test } from 'vitest'
import { describeProgress, Progress } from '../../src/cli/progress.ts'
import { duration } from '../../src/cli/table.ts'

test('progress tells rate and time to go once it knows them', () => {
  const at = { done: 500, left: 1_000, text: 'running', rate: 50, elapsedMs: 10_000 }
  expect(describeProgress(at)).toBe('running · 500 records · 50/s · 1000 left · about 20 s to go · 10 s')
  expect(describeProgress({ ...at, rate: 0 })).toBe('running · 500 records · 1000 left · 10 s')
  expect(describeProgress({ ...at, left: null })).toBe('running · 500 records · 50/s · 10 s')
})

test('durations have the unit a person would choose', () => {
  expect([5, 1_500, 99_000, 120_000, 7_200_000, 3 * 86_400_000].map(duration)).toEqual([
    '5 ms',
    '1.5 s',
    '99 s',
    '2 min',
    '2 h',
    '3 d',
  ])
})

/** What is said on stderr while `act` runs, with a clock that is moved by hand. */
function said(act: (clock: { move(ms: number): void }) => void): string {
  const { write } = process.stderr
  const { now } = performance
  const written: string[] = []
  // Whole, for thousands that are added to a fraction are rounded: ten of them were less than ten seconds one time in eight.
  let time = Math.ceil(now.call(performance))
  process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write
  performance.now = () => time
  try {
    act({
      move: (ms) => {
        time += ms
      },
    })
  } finally {
    process.stderr.write = write
    performance.now = now
  }
  return written.join('')
}

test('a terminal has one line that is rewritten and wiped, elsewhere there is a plain line every ten seconds', () => {
  const work = (terminal: boolean) =>
    said((clock) => {
      const progress = new Progress(terminal)
      for (let done = 100; done <= 2_500; done += 100) {
        clock.move(1_000)
        progress.update(done, 2_500 - done, 'running')
      }
      progress.end()
    })
  const plain = work(false)
  expect(plain).toBe(
    'running · 1000 records · 100/s · 1500 left · about 15 s to go · 10 s\nrunning · 2000 records · 100/s · 500 left · about 5 s to go · 20 s\n',
  )
  const drawn = work(true)
  expect(drawn).not.toContain('\n')
  expect(drawn.split('\r').length).toBe(27)
  expect(drawn.endsWith('\r\u001b[2K')).toBe(true)
})
